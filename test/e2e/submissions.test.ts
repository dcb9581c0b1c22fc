/** Submissions straight into the queue: from Python, from TypeScript, and those that cannot be read. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { silentLogger } from '@sluice/core';
import { connectRedis, openSubmissionQueue, type Redis } from '@sluice/queue';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTools } from '../support/python-tools.ts';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

const run = promisify(execFile);
const example = resolve(import.meta.dirname, '../../examples/python');
const sluice = createSluice('test-submissions');
let redis: Redis;
let line: Awaited<ReturnType<typeof readLine>>;
let processes: ReturnType<typeof sluice.start>[];

beforeAll(async () => {
  redis = connectRedis(sluice.env.SLUICE_REDIS_URL!, { role: 'producer', logger: silentLogger });
  const worker = await sluice.worker();
  const chunker = sluice.start(['chunk-worker']);
  chunker.stdout!.resume();
  chunker.stderr!.resume();
  processes = [worker, chunker];
  line = await readLine('test-submissions');
});
afterAll(async () => {
  for (const child of processes) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await line.close();
  redis.disconnect();
});

async function untilStored(id: string): Promise<string> {
  for (;;) {
    const [state] = await line.ledger.read([line.key(id)]);
    if (state?.state === 'stored') return state.currentRevision!;
    await delay(50);
  }
}

test('a TypeScript service hands a document in, and the same submission again is nothing new', async () => {
  const queue = openSubmissionQueue(redis, 'test-submissions');
  try {
    const submission = { id: 'typed', text: 'From TypeScript.', submission: 'typed-1' };
    await queue.submit([submission]);
    const revision = await untilStored('typed');
    await queue.submit([submission, { id: 'after', text: 'The one after it.' }]);
    await untilStored('after');
    expect(await untilStored('typed')).toBe(revision);
    await expect(queue.submit([{ id: '', text: 'x' }])).rejects.toMatchObject({ code: 'malformed_job' });
  } finally {
    await queue.close();
  }
});

test('what cannot be read is rejected with its reason, what is newer is left, the others are stored', {
  timeout: 300_000,
}, async () => {
  const queue = new Queue('submissions', { prefix: '{sluice:test-submissions}', connection: redis });
  queue.on('error', () => undefined);
  try {
    await queue.add('document', { id: 'no version', text: 'x' }, { jobId: 'malformed' });
    await queue.add('document', { v: 1, id: 'extra', text: 'x', colour: 'red' }, { jobId: 'unknown-field' });
    await queue.add('document', { v: 1, id: 'a\u0000b', text: 'x' }, { jobId: 'bad-id' });
    await queue.add('document', { v: 1, id: 'blank', text: ' ' }, { jobId: 'blank' });
    await queue.add('document', { v: 2, anything: true }, { jobId: 'from-the-future' });
    await queue.add('document', { v: 1, id: 'fine', text: 'A fine document.' }, { jobId: 'fine' });
    await untilStored('fine');
    while ((await queue.getFailedCount()) < 4 || (await queue.getDelayedCount()) < 1) await delay(50);
    const failed = Object.fromEntries((await queue.getFailed()).map((job) => [job.id, job.failedReason]));
    expect(failed).toEqual({
      malformed: expect.stringMatching(/^malformed_job: .*\(job, v\)/),
      'unknown-field': expect.stringMatching(/^malformed_job: /),
      'bad-id': expect.stringMatching(/^invalid_id: /),
      blank: expect.stringMatching(/^empty_document: /),
    });
    expect((await queue.getDelayed()).map((job) => job.id)).toEqual(['from-the-future']);

    // Beside the dead letters of chunks, until somebody has seen enough of them.
    const [list, shown, unknown] = await Promise.all([
      sluice.run(['dead', 'list', '--json']),
      sluice.run(['dead', 'show', '--document', 'extra']),
      sluice.run(['dead', 'show', 'submission:fine']),
    ]);
    expect(list.lines.map(({ submission, code }) => [submission, code]).toSorted()).toEqual([
      ['submission:bad-id', 'invalid_id'],
      ['submission:blank', 'empty_document'],
      ['submission:malformed', 'malformed_job'],
      ['submission:unknown-field', 'malformed_job'],
    ]);
    expect(shown.stdout).toMatch(/submission:unknown-field[\s\S]*document +extra[\s\S]*malformed_job[\s\S]*fix +\w/);
    expect(unknown.stderr).toMatch(/unknown_dead_letter/);
    const dropped = await Promise.all([
      sluice.run(['dead', 'drop', 'submission:blank', '--yes', '--json']),
      sluice.run(['dead', 'drop', '--code', 'malformed_job', '--yes', '--json']),
    ]);
    expect(dropped.map(({ lines }) => lines[0])).toEqual([
      { restored: 0, deleted: 0, gone: 0, removed: 1 },
      { restored: 0, deleted: 0, gone: 0, removed: 2 },
    ]);
    expect((await queue.getFailed()).map((job) => job.id)).toEqual(['bad-id']);
  } finally {
    await queue.close();
  }
});

test('the Python example submits documents that are stored', async ({ skip }) => {
  const tools = await pythonTools('example', 'examples/python/requirements.txt');
  if ('unreachable' in tools) return skip(tools.unreachable);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-python-'));
  const file = join(folder, 'documents.ndjson');
  writeFileSync(
    file,
    [
      { id: 'py/1', text: 'Từ Python: một tài liệu.', metadata: { lang: 'vi' } },
      { id: 'py/2', text: '# Title\n\nFrom Python.', format: 'markdown' },
    ]
      .map((document) => JSON.stringify(document))
      .join('\n'),
  );
  try {
    const submit = () =>
      run(join(tools.bin, 'python'), [
        join(example, 'submit.py'),
        sluice.env.SLUICE_REDIS_URL!,
        'test-submissions',
        file,
      ]);
    expect((await submit()).stdout).toMatch(/^2 documents submitted/);
    const revision = await untilStored('py/1');
    await untilStored('py/2');
    const [row] = await line.rows('py/1');
    expect(row).toMatchObject({ text: 'Từ Python: một tài liệu.', metadata: { lang: 'vi' } });
    // Idempotent: the same file again is the same submissions.
    await submit();
    const queue = openSubmissionQueue(redis, 'test-submissions');
    while ((await queue.waiting()) > 1) await delay(50);
    await queue.close();
    expect(await untilStored('py/1')).toBe(revision);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
