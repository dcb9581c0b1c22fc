/**
 * 120 MB of NDJSON through the command, enqueued for real and stored by a worker on the null engine: neither process ever
 * holds 300 MB; and half as much with the worker inside the command, which never holds 400. The documents are paragraphs of the example corpus in ever new order, 2 to 60 kB each. That memory does not grow
 * over a long run is what `npm run bench -- memory` measures.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { nodeVariables } from '@sluice/cli/node-flags';
import { readDocuments, resolveInputs } from '@sluice/producer';
import { expect, test } from 'vitest';
import { corpusFolder, createSluice, ended, type Sluice } from '../e2e/sluice.ts';

const LIMIT_MB = 300;
/** Two processes in one: what a newcomer has, who starts no worker. */
const LIMIT_INSIDE_MB = 400;

const settings = { ...nodeVariables, SLUICE_ENGINE: 'null', SLUICE_FULL_DIMENSION: '32', SLUICE_DIMENSION: '32' };

test('120 MB of NDJSON: command and worker stay under 300 MB each', async () => {
  const sluice = createSluice('test-memory', settings);
  const worker = await sluice.worker();
  const workerPeak = watchPeak(worker.pid!);
  const command = await ingest(sluice, 120_000_000);
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  const peaks = { command, worker: workerPeak() };
  process.stdout.write(`peak resident memory in MB: ${JSON.stringify(peaks)}\n`);
  expect(peaks.command).toBeLessThan(LIMIT_MB);
  expect(peaks.worker).toBeLessThan(LIMIT_MB);
}, 1_200_000);

test('60 MB of NDJSON with the worker inside the command: it stays under 400 MB', async () => {
  const peak = await ingest(createSluice('test-memory-inside', settings), 60_000_000);
  process.stdout.write(`peak resident memory in MB, the worker inside: ${peak}\n`);
  expect(peak).toBeLessThan(LIMIT_INSIDE_MB);
}, 600_000);

/** Ingests so many bytes, all stored; returns the command's peak in MB. */
async function ingest(sluice: Sluice, bytes: number): Promise<number> {
  const child = sluice.start(['ingest', '-', '--wait', '--json']);
  const commandPeak = watchPeak(child.pid!);
  let last = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-4_000);
  });
  Readable.from(records(await paragraphs(), bytes)).pipe(child.stdin!);
  const code = await ended(child);
  const summary = JSON.parse(last.trimEnd().split('\n').at(-1)!) as { documents: { accepted: number; stored: number } };
  expect(code).toBe(0);
  expect(summary.documents.stored).toBe(summary.documents.accepted);
  return commandPeak();
}

async function paragraphs(): Promise<string[]> {
  const found: string[] = [];
  const limits = { stdin: Readable.from([]), maxDocumentBytes: 16_777_216, maxLineBytes: 16_777_216 };
  for await (const item of readDocuments(await resolveInputs([corpusFolder]), limits)) {
    if (item.type === 'document' && item.document.format !== 'html') found.push(...item.document.text.split(/\n{2,}/));
  }
  return found.filter((paragraph) => paragraph.length > 40);
}

/** A linear congruential generator: the same documents in every run. */
function* records(all: readonly string[], bytes: number): Generator<Buffer> {
  let state = 1;
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % below;
  };
  for (let written = 0, number = 0; written < bytes; number++) {
    const wanted = 2_000 + next(58_000);
    let text = '';
    while (text.length < wanted) text += `${all[next(all.length)]}\n\n`;
    const record = Buffer.from(`${JSON.stringify({ id: `document-${number}`, text, format: 'markdown' })}\n`);
    written += record.length;
    yield record;
  }
}

/** The kernel's own high-water mark of resident memory in MB, read until the process is gone. */
function watchPeak(pid: number): () => number {
  let peak = 0;
  const look = async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024) / 1e6);
  };
  const timer = setInterval(look, 250);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
