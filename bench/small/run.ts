/**
 * How soon one small document can be found: from its submission in a producer that is already open to the first hit of a search with
 * Strong consistency, on an idle line with the engine that ships with Sluice. Beside it the whole command,
 * `sluice ingest FILE --wait`, which starts a process for it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createChunkerPool } from '@sluice/chunker';
import { createReleaser, loadConfig, silentLogger } from '@sluice/core';
import { createQueryEngine } from '@sluice/embedder';
import { openLine, planLine, queryLine } from '@sluice/line';
import { ingest } from '@sluice/producer';
import { bench } from '../report/bench.ts';
import { openBenchStack } from '../stack/bench-stack.ts';

const HITS = 20;
/** Longer than anything that is measured: whoever gets here has found a fault, not a slow line. */
const FOUND_WITHIN_MS = 60_000;

await bench({
  name: 'small',
  question: 'how soon one small document can be found',
  async measure({ short, say }) {
    const rounds = short ? 10 : 100;
    const coldRounds = short ? 1 : 5;
    const stack = await openBenchStack();
    const releaser = createReleaser();
    const warm: number[] = [];
    const cold: number[] = [];
    try {
      const settings: Record<string, string> = { ...stack.settings, SLUICE_LINE: 'small', SLUICE_CHUNK_THREADS: '1' };
      const worker = await stack.worker(settings);
      const { NO_COLOR: _, ...named } = settings;
      const { config } = loadConfig([{ name: 'bench', values: named }]);
      const plan = await planLine(config);
      const line = await openLine(config, plan, { role: 'producer', logger: silentLogger, releaser });
      const pool = await createChunkerPool({ limits: plan.limits, threads: 1 });
      releaser.push('the chunker threads', () => pool.close());
      const engine = await createQueryEngine(config, { logger: silentLogger });
      releaser.push('the engine', () => engine.close());
      mkdirSync(join(stack.folder, 'notes'));

      /** Asks until it is among the hits. Other notes may be nearer: the engine that ships with Sluice is a simple one. */
      const found = async (id: string, text: string): Promise<void> => {
        const deadline = performance.now() + FOUND_WITHIN_MS;
        while (performance.now() < deadline) {
          const hits = await queryLine(line, engine, text, { k: HITS });
          if (hits.some(({ docId }) => docId === id)) return;
        }
        throw new Error(`${id} was not found within ${FOUND_WITHIN_MS / 1_000} s`);
      };
      for (let i = 0; i <= rounds; i++) {
        const text = `Note ${i}: the mill number ${i * 7919} turned ${i} times before noon.`;
        const startedAt = performance.now();
        const { documents } = await ingest({
          line,
          plan,
          pool,
          paths: ['-'],
          source: 'notes',
          stdin: Readable.from([Buffer.from(text)]),
          stdinFormat: 'text',
          stdinId: `note-${i}`,
          recut: false,
          prune: false,
          pruneMax: 0,
          wait: false,
          ensureWorker: async () => undefined,
          signal: new AbortController().signal,
          listener: () => undefined,
        });
        if (documents.accepted !== 1) throw new Error(`note-${i} was not accepted`);
        await found(`note-${i}`, text);
        // The first one warms everything up.
        if (i > 0) warm.push(performance.now() - startedAt);
      }
      for (let i = 1; i <= coldRounds; i++) {
        say(`cold ${i} of ${coldRounds}`);
        const text = `Cold note ${i}: the sluice number ${i * 104729} was closed at dawn.`;
        const file = join(stack.folder, 'notes', `cold-${i}.txt`);
        writeFileSync(file, text);
        const startedAt = performance.now();
        const command = stack.sluice(['ingest', file, '--source', 'cold', '--no-wait', '--json'], settings);
        await command.finished();
        await found(`cold/cold-${i}.txt`, text);
        cold.push(performance.now() - startedAt);
      }
      await worker.stop();
    } finally {
      await releaser.release();
      await stack.stop();
    }
    const sorted = warm.toSorted((a, b) => a - b);
    const percentile = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]! / 1_000;
    return {
      configuration: { documents: rounds, engine: 'static, in the worker', servers: stack.servers },
      figures: [
        { name: 'warm producer, half of all within', unit: 's', runs: [percentile(0.5)], limit: { atMost: 0.8 } },
        { name: 'warm producer, 95 of 100 within', unit: 's', runs: [percentile(0.95)], limit: { atMost: 1.5 } },
        { name: 'warm producer, slowest', unit: 's', runs: [percentile(1)] },
        { name: 'the command, process start included', unit: 's', runs: cold.map((ms) => ms / 1_000) },
      ],
    };
  },
});
