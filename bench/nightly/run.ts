/**
 * The nightly run: documents of which none has changed, as one NDJSON file and as a folder of files. Nothing may be cut, embedded or
 * written, so what remains is reading, hashing and asking the ledger. CPU is that of the command, start-up and all threads included.
 * Beside it a plain script that reads and hashes the same and asks nobody.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash, createReleaser, documentKey, loadConfig, silentLogger } from '@sluice/core';
import { type Line, openLine, planLine } from '@sluice/line';
import { type IngestSummary, readDocuments, readOptions, resolveInputs } from '@sluice/producer';
import { bench } from '../report/bench.ts';
import { type BenchStack, openBenchStack } from '../stack/bench-stack.ts';
import { milvusCalls } from '../stack/milvus-metrics.ts';
import { makeFolder, makeRecords } from './corpus.ts';

const DOCUMENT_CHARACTERS = 300;
const BATCH = 1_000;

interface Night {
  documentsPerCpuSecond: number;
  documentsPerSecond: number;
  valkeyUs: number;
  rowCalls: number;
  milvusCalls: number;
  engineRequests: number;
  peakMB: number;
}

await bench({
  name: 'nightly',
  question: 'what it costs to find that nothing has changed',
  async measure({ short, say }) {
    const sizes = short ? { records: 10_000, files: 2_000 } : { records: 1_000_000, files: 100_000 };
    const stack = await openBenchStack();
    try {
      say('writing the corpus');
      const inputs = {
        records: makeRecords(join(stack.folder, 'nightly.ndjson'), sizes.records, DOCUMENT_CHARACTERS),
        files: makeFolder(join(stack.folder, 'nightly'), sizes.files, DOCUMENT_CHARACTERS),
      };
      say('putting it on record as stored');
      const settings = { SLUICE_ENGINE: 'null', SLUICE_DIMENSION: '32' };
      await settle(stack, settings, Object.values(inputs));
      say('one new document, to see that the counters count');
      await requireCounters(stack, settings);
      const nights = { records: [] as Night[], files: [] as Night[] };
      const plain = { records: [] as number[], files: [] as number[] };
      // Once: a million documents are many rounds.
      for (const kind of ['records', 'files'] as const) {
        say(`reading ${kind}`);
        nights[kind].push(await oneNight(stack, settings, inputs[kind], sizes[kind]));
        plain[kind].push(await plainNight(stack, inputs[kind], sizes[kind]));
      }
      const figure = (kind: keyof typeof nights, name: string, unit: string, part: keyof Night, limit?: object) => ({
        name: `${name}, ${sizes[kind].toLocaleString('en')} ${kind}`,
        unit,
        runs: nights[kind].map((night) => night[part]),
        ...(limit !== undefined && { limit: limit as { atLeast: number } | { atMost: number } }),
      });
      const perCore = { atLeast: 5_000 };
      const none = { atMost: 0, everyRun: true };
      return {
        configuration: { ...sizes, 'characters a document': DOCUMENT_CHARACTERS, servers: stack.servers },
        figures: [
          figure('records', 'unchanged documents', 'a CPU second', 'documentsPerCpuSecond', perCore),
          figure('files', 'unchanged documents', 'a CPU second', 'documentsPerCpuSecond', perCore),
          ...(['records', 'files'] as const).map((kind) => ({
            name: `read and hashed, nothing compared, ${sizes[kind].toLocaleString('en')} ${kind}`,
            unit: 'a CPU second',
            runs: plain[kind],
            baseline: true as const,
          })),
          figure('records', 'unchanged documents', 'a second', 'documentsPerSecond'),
          figure('files', 'unchanged documents', 'a second', 'documentsPerSecond'),
          figure('records', 'engine requests', '', 'engineRequests', none),
          figure('records', 'calls to Milvus about rows', '', 'rowCalls', none),
          figure('records', 'calls to Milvus in all', '', 'milvusCalls'),
          figure('files', 'engine requests', '', 'engineRequests', none),
          figure('files', 'calls to Milvus about rows', '', 'rowCalls', none),
          figure('files', 'calls to Milvus in all', '', 'milvusCalls'),
          figure('records', 'CPU of Valkey', 'µs a document', 'valkeyUs'),
          figure('records', 'peak memory', 'MB', 'peakMB'),
          figure('files', 'peak memory', 'MB', 'peakMB'),
        ],
      };
    } finally {
      await stack.stop();
    }
  },
});

async function oneNight(
  stack: BenchStack,
  settings: Record<string, string>,
  path: string,
  documents: number,
): Promise<Night> {
  const [callsBefore, cpuBefore] = [await milvusCalls(stack), stack.serverCpuMs()];
  const startedAt = performance.now();
  const running = stack.sluice(['ingest', path, '--json'], settings);
  const { cpuMs, peakMB } = await running.finished();
  const seconds = (performance.now() - startedAt) / 1_000;
  const [callsAfter, cpuAfter] = [await milvusCalls(stack), stack.serverCpuMs()];
  const summary = running.lines.at(-1) as unknown as IngestSummary;
  if (summary.documents.unchanged !== documents)
    throw new Error(`${summary.documents.unchanged} of ${documents} documents are unchanged`);
  return {
    documentsPerCpuSecond: documents / (cpuMs / 1_000),
    documentsPerSecond: documents / seconds,
    valkeyUs: ((cpuAfter.valkey! - cpuBefore.valkey!) * 1_000) / documents,
    rowCalls: callsAfter.aboutRows - callsBefore.aboutRows,
    milvusCalls: callsAfter.all - callsBefore.all,
    engineRequests: summary.engineRequests,
    peakMB,
  };
}

/** The same reading by a plain script. */
async function plainNight(stack: BenchStack, path: string, documents: number): Promise<number> {
  const running = stack.node([join(import.meta.dirname, 'plain.ts'), path]);
  const { cpuMs } = await running.finished();
  if (running.lines.at(-1)?.documents !== documents) throw new Error('the plain script read something else');
  return documents / (cpuMs / 1_000);
}

/** That nothing was called is worth something only where a call would be seen. */
async function requireCounters(stack: BenchStack, settings: Record<string, string>): Promise<void> {
  const file = join(stack.folder, 'new.md');
  writeFileSync(file, 'A note that no night has seen.');
  const before = await milvusCalls(stack);
  const running = stack.sluice(['ingest', file, '--wait', '--json'], settings);
  await running.finished();
  const { engineRequests } = running.lines.at(-1) as unknown as IngestSummary;
  const { upserts } = await milvusCalls(stack);
  if (engineRequests === 0 || upserts.rows === before.upserts.rows)
    throw new Error('a new document moved no counter of the engine or of Milvus');
}

/** Puts every document on record as stored, read by the code that a run reads with, without writing a row. */
async function settle(stack: BenchStack, settings: Record<string, string>, paths: string[]): Promise<void> {
  const { config } = loadConfig([{ name: 'bench', values: { ...stack.settings, ...settings } }]);
  const releaser = createReleaser();
  try {
    const plan = await planLine(config);
    const line = await openLine(config, plan, { role: 'producer', logger: silentLogger, releaser });
    let batch: Parameters<Line['ledger']['adopt']>[0][number][] = [];
    const inputs = await resolveInputs(paths);
    for await (const item of readDocuments(inputs, readOptions({ stdin: process.stdin }, config))) {
      if (item.type !== 'document') throw new Error(`a document of the corpus is ${item.type}: ${item.fault.message}`);
      const { document } = item;
      const key = documentKey({ line: line.name, id: document.id });
      batch.push({ key, revision: '1000', hash: contentHash(document), cut: plan.cutId, chunkCount: 1 });
      if (batch.length < BATCH) continue;
      await line.ledger.adopt(batch);
      batch = [];
    }
    await line.ledger.adopt(batch);
  } finally {
    await releaser.release();
  }
}
