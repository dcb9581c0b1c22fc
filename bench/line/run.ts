/**
 * What the line itself costs: files in, rows searchable, with an engine that answers at once, a real Valkey and a real Milvus. CPU
 * time of producer and worker, start-up included, for a chunk of 2,850 tokens. Beside it, in the same minutes and on the
 * same files, a plain script and LangChain.js, both without queue, exact counts or a ledger that outlives them.
 */
import { join } from 'node:path';
import { createReleaser, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import type { IngestSummary } from '@sluice/producer';
import { bench } from '../report/bench.ts';
import { quotedLine } from '../report/quoted.ts';
import { notePackage } from '../report/versions.ts';
import { openBenchStack } from '../stack/bench-stack.ts';
import { type MilvusCalls, milvusCalls } from '../stack/milvus-metrics.ts';
import { makeCorpus } from './corpus.ts';
import { serveNull } from './null-server.ts';
import { runLangchain, runPlain } from './run-script.ts';

/** A chunk of the corpus that the peers were measured on. */
const CHUNK_TOKENS = 2_850;

await bench({
  name: 'line',
  question: 'what the line costs beside the engine',
  async measure({ short, say }) {
    const rounds = short ? 1 : 3;
    const documents = short ? 60 : 500;
    const stack = await openBenchStack();
    for (const name of ['@langchain/core', '@langchain/textsplitters']) notePackage(name, 'bench');
    const server = await serveNull();
    const engine = { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: server.url };
    const found = {
      producer: [] as number[],
      worker: [] as number[],
      both: [] as number[],
      startUp: [] as number[],
      tokensPerCpuSecond: [] as number[],
      chunksPerSecond: [] as number[],
      requestRows: [] as number[],
      requestBytes: [] as number[],
      plain: [] as number[],
      plainTokens: [] as number[],
      langchain: [] as number[],
      langchainTokens: [] as number[],
      servers: {} as Record<string, number[]>,
    };
    let tokens = 0;
    let chunks = 0;
    try {
      const corpus = makeCorpus(join(stack.folder, 'corpus'), { documents, characters: 60_000 });
      const one = makeCorpus(join(stack.folder, 'one'), { documents: 1, characters: 1_000 });
      for (let round = 1; round <= rounds; round++) {
        say(`round ${round} of ${rounds}`);
        const empty = await ingest(one.folder, `start-${round}`);
        found.startUp.push((empty.producer.cpuMs + empty.worker.cpuMs) / 1_000);

        const callsBefore = await milvusCalls(stack);
        const before = stack.serverCpuMs();
        const { producer, worker, summary, seconds } = await ingest(corpus.folder, `line-${round}`);
        const after = stack.serverCpuMs();
        const callsAfter = await milvusCalls(stack);
        await requireRows(`line-${round}`, summary.chunks.stored);
        if (summary.chunks.stored !== summary.chunks.accepted || summary.documents.stored !== documents)
          throw new Error(`the line stored ${summary.chunks.stored} of ${summary.chunks.accepted} chunks`);
        tokens = summary.tokens.useful;
        chunks = summary.chunks.stored;
        const perChunk = (cpuMs: number) => cpuMs / (tokens / CHUNK_TOKENS);
        found.producer.push(perChunk(producer.cpuMs));
        found.worker.push(perChunk(worker.cpuMs));
        found.both.push(perChunk(producer.cpuMs + worker.cpuMs));
        found.tokensPerCpuSecond.push(tokens / (producer.cpuMs + worker.cpuMs));
        found.chunksPerSecond.push(chunks / seconds);
        const written = (part: keyof MilvusCalls['upserts']) => callsAfter.upserts[part] - callsBefore.upserts[part];
        found.requestRows.push(written('rows') / written('requests'));
        found.requestBytes.push(written('bytes') / written('requests') / 1_000);
        for (const [name, ms] of Object.entries(after))
          found.servers[name] = [...(found.servers[name] ?? []), perChunk(ms - (before[name] ?? 0))];

        const plain = await runPlain(stack, corpus.folder, `plain_${round}`, server.url);
        found.plain.push(perChunk(plain.cpuMs));
        found.plainTokens.push(tokens / plain.cpuMs);
        const langchain = await runLangchain(stack, corpus.folder, `langchain_${round}`, server.url);
        found.langchain.push(perChunk(langchain.cpuMs));
        found.langchainTokens.push(tokens / langchain.cpuMs);
      }
    } finally {
      await server.close();
      await stack.stop();
    }

    /** Searchable: counted by Milvus, Strong, not by the ledger. */
    async function requireRows(name: string, expected: number): Promise<void> {
      const releaser = createReleaser();
      try {
        const values = { ...stack.settings, ...engine, SLUICE_LINE: name, SLUICE_DIMENSION: '1024' };
        const { config } = loadConfig([{ name: 'bench', values }]);
        const { store, info } = await openExistingLine(config, { logger: silentLogger, releaser });
        const rows = await store.countRows(info.collection);
        if (rows !== expected) throw new Error(`${rows} rows are searchable of ${expected} chunks`);
      } finally {
        await releaser.release();
      }
    }

    async function ingest(folder: string, line: string) {
      const settings = { ...engine, SLUICE_LINE: line, SLUICE_DIMENSION: '1024' };
      const working = await stack.worker(settings);
      const startedAt = performance.now();
      const running = stack.sluice(['ingest', folder, '--wait', '--json'], settings);
      const producer = await running.finished();
      const summary = running.lines.at(-1) as unknown as IngestSummary;
      return { producer, worker: await working.stop(), summary, seconds: (performance.now() - startedAt) / 1_000 };
    }

    const unit = 'CPU ms a chunk';
    const tokensUnit = 'k tokens a CPU second';
    const servers = Object.entries(found.servers).map(([name, runs]) => ({ name, unit, runs }));
    return {
      configuration: {
        documents,
        chunks,
        'tokens a chunk': Math.round(tokens / chunks),
        'figures are for a chunk of': `${CHUNK_TOKENS} tokens`,
        dimension: 1_024,
        servers: stack.servers,
        engine: 'null, over HTTP',
        rounds,
      },
      figures: [
        { name: 'producer and worker', unit, runs: found.both, limit: { atMost: 3 } },
        { name: 'producer', unit, runs: found.producer },
        { name: 'worker', unit, runs: found.worker },
        { name: 'plain script', unit, runs: found.plain, baseline: true },
        { name: 'LangChain.js', unit, runs: found.langchain, baseline: true },
        ...servers,
        { name: 'start-up of both', unit: 'CPU s', runs: found.startUp },
        {
          name: 'tokens',
          unit: tokensUnit,
          runs: found.tokensPerCpuSecond,
          limit: { atLeast: 950 },
        },
        { name: 'tokens, plain script', unit: tokensUnit, runs: found.plainTokens, baseline: true },
        { name: 'tokens, LangChain.js', unit: tokensUnit, runs: found.langchainTokens, baseline: true },
        ...quotedLine.map(({ name, value, source }) => ({
          name: `tokens, ${name}`,
          unit: tokensUnit,
          runs: [value],
          baseline: { source },
        })),
        { name: 'rows of a write request, mean', unit: 'rows', runs: found.requestRows },
        { name: 'size of a write request, mean', unit: 'kB', runs: found.requestBytes },
        { name: 'chunks', unit: 'chunks/s, wall clock', runs: found.chunksPerSecond },
      ],
    };
  },
});
