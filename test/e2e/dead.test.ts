/** Dead letters in a user's hands: seen without their text, tried again on the same path, given up, exported. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { taskLine } from '../support/stack.ts';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const ndjson = (documents: Record<string, string>) =>
  Object.entries(documents)
    .map(([id, text]) => `${JSON.stringify({ id, text, metadata: { of: id } })}\n`)
    .join('');

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}

test.concurrent('dead letters are listed, shown, exported, tried again and dropped', {
  timeout: 600_000,
}, async (context) => {
  const engine = await startJinaTinyServer({
    script: ({ texts }) =>
      texts.some((text) => text.includes('POISON'))
        ? { status: 400, body: { detail: { message: 'no', code: 'BAD' } } }
        : undefined,
  });
  context.onTestFinished(() => engine.close());
  const sluice = createSluice(taskLine(context), tinySettings(engine.url));
  const worker = await sluice.worker();
  context.onTestFinished(async () => {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  });
  await sluice.ingest(['-'], ndjson({ kept: 'the older revision', fine: 'nothing wrong' }));
  const { run, exitCode, documents } = await sluice.ingest(
    ['-'],
    ndjson({ kept: 'POISON now', mended: 'POISON once', given: 'POISON forever' }),
  );
  expect([exitCode, documents.partial]).toEqual([3, 3]);

  const [list, table, shown, exported, nothing, unsure] = await Promise.all([
    sluice.run(['dead', 'list', '--run', run, '--code', 'engine_rejected', '--json']),
    sluice.run(['dead', 'list', '--document', 'kept']),
    sluice.run(['dead', 'show', '--document', 'mended']),
    sluice.run(['dead', 'export', '--document', 'mended']),
    sluice.run(['dead', 'retry']),
    sluice.run(['dead', 'drop', '--all']),
  ]);
  expect(list.lines.map(({ documentId }) => documentId).sort()).toEqual(['given', 'kept', 'mended']);
  expect(table.stdout).toMatch(/kept +1 of 1 +engine_rejected[\s\S]*1 dead letter\./);
  expect(shown.stdout).toMatch(/document +mended[\s\S]*attempts +\d[\s\S]*code +engine_rejected[\s\S]*fix +\w/);
  for (const { stdout, stderr } of [list, table, shown]) expect(stdout + stderr).not.toContain('POISON');
  expect(exported.lines).toMatchObject([
    { id: 'mended#0', text: 'POISON once', metadata: { of: 'mended', dead: { document: 'mended', run } } },
  ]);
  expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringMatching(/--run, --document or --code/)]);
  expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringMatching(/--yes/)]);

  // The engine was mended: what is tried again goes the way of every chunk, and the run's counts come right.
  engine.become({});
  const retried = await sluice.run(['dead', 'retry', '--document', 'mended', '--json']);
  expect(retried.lines).toEqual([{ retried: 1, gone: 0 }]);
  const line = await readLine(sluice.line);
  context.onTestFinished(() => line.close());
  const state = async (id: string) => (await line.ledger.read([line.key(id)]))[0]?.state;
  await until(async () => (await state('mended')) === 'stored');
  expect((await line.rows('mended')).map(({ text }) => text)).toEqual(['POISON once']);

  const chunk = list.lines.find(({ documentId }) => documentId === 'mended')!.chunk as string;
  const [counts, gone, dropped] = await Promise.all([
    sluice.run(['runs', 'show', run, '--json']),
    sluice.run(['dead', 'show', chunk]),
    sluice.run(['dead', 'drop', '--run', run, '--yes', '--json']),
  ]);
  expect(counts.lines[0]).toMatchObject({
    documents: { accepted: 3, stored: 1, partial: 2, unsettled: 0 },
    chunks: { accepted: 3, stored: 1, dead: 2 },
  });
  expect(gone.stderr).toMatch(/unknown_dead_letter/);
  expect(dropped.lines).toEqual([{ restored: 1, deleted: 1, gone: 0, removed: 0 }]);
  expect((await line.rows('kept')).map(({ text }) => text)).toEqual(['the older revision']);
  expect([await state('kept'), await state('given')]).toEqual(['stored', 'deleted']);
  expect((await sluice.run(['dead', 'list'])).stdout).toBe('No dead letters.\n');
});

test.concurrent('an engine that refuses every text but the known ones stops the line after twenty documents, and nothing is lost', {
  timeout: 600_000,
}, async (context) => {
  const engine = await startJinaTinyServer({
    script: ({ texts }) =>
      texts.some((text) => text.includes('ordinary'))
        ? { status: 400, body: { detail: { message: 'no', code: 'BAD' } } }
        : undefined,
  });
  context.onTestFinished(() => engine.close());
  const sluice = createSluice(taskLine(context), { ...tinySettings(engine.url), SLUICE_BATCH_ROWS: '8' });
  const documents = ndjson(
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`doc-${i}`, `an ordinary text, number ${i}`])),
  );
  const { code, stderr } = await sluice.run(['ingest', '-', '--wait'], documents);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/engine_rejected.*Twenty different documents.*dead retry/s),
  ]);
  const line = await readLine(sluice.line);
  context.onTestFinished(() => line.close());
  // The requests in flight end what they have begun.
  const { deadLetters } = await line.ledger.counts();
  expect(deadLetters).toBeGreaterThanOrEqual(20);
  expect(deadLetters).toBeLessThanOrEqual(22);

  engine.become({});
  await sluice.run(['dead', 'retry', '--all']);
  expect(await sluice.ingest(['-'], documents)).toMatchObject({ exitCode: 0 });
  expect(await line.countRows()).toBe(60);
});
