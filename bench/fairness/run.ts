/**
 * What a live tenant feels of a bulk one, on a modelled 3090 behind one worker. Alone: 100 documents of one chunk each, from the first
 * request until the last is stored. Then the same while a bulk tenant streams documents, out of 100,000, as fast as they are
 * taken, and its part of the backlog's mark is full.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { createReleaser, documentKey, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { bench } from '../report/bench.ts';
import { type BenchProcess, openBenchStack } from '../stack/bench-stack.ts';

const LINE = 'bench-fairness';
const LIVE = 100;
const LIVE_SHORT = 30;
const BULK = 100_000;
/** About 2,850 tokens. */
const SENTENCES = 120;
/** Of the line as it is by default: more than six minutes of the device. In the short form half a minute. */
const MARK = 20_000_000;
const SHORT_MARK = 1_500_000;

await bench({
  name: 'fairness',
  question: 'what a live tenant feels of a bulk one',
  async measure({ short, say }) {
    const rounds = short ? 1 : 3;
    const mark = short ? SHORT_MARK : MARK;
    const count = short ? LIVE_SHORT : LIVE;
    const stack = await openBenchStack();
    const releaser = createReleaser();
    const stopBulk = new AbortController();
    try {
      const engine = stack.sluice(['engine', '--model', 'modelled', '--port', '0', '--json']);
      const settings = {
        SLUICE_LINE: LINE,
        SLUICE_ENGINE: 'modelled',
        SLUICE_ENGINE_URL: await urlOf(engine),
        SLUICE_DIMENSION: '64',
        SLUICE_BACKLOG_TOKENS: String(mark),
      };
      const worker = await stack.worker(settings);
      const service = stack.sluice(['serve', '--port', '0', '--json'], { ...settings, SLUICE_LOG_LEVEL: 'warn' });
      const documents = `${await urlOf(service)}/v1/lines/${LINE}/documents`;
      const { config } = loadConfig([{ name: 'bench', values: { ...stack.settings, ...settings } }]);
      const { ledger } = await openExistingLine(config, { logger: silentLogger, releaser });
      const refusals: number[] = [];

      /** Seconds from the first request until all are stored. */
      async function live(round: string): Promise<number> {
        const startedAt = performance.now();
        let refused = 0;
        for (let i = 0; i < count; i += 1) {
          const body = JSON.stringify({ id: `${round}-${i}`, tenant: 'live', text: textOf(`${round} ${i}`) });
          const { status } = await fetch(documents, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          });
          if (status !== 202) refused += 1;
        }
        refusals.push(refused);
        const keys = Array.from({ length: count }, (_, i) =>
          documentKey({ line: LINE, tenant: 'live', id: `${round}-${i}` }),
        );
        while (!(await ledger.read(keys)).every((state) => state?.state === 'stored')) await delay(50);
        return (performance.now() - startedAt) / 1_000;
      }

      await live('warm');
      const alone: number[] = [];
      for (let round = 0; round < rounds; round += 1) alone.push(await live(`alone${round}`));
      say(`alone ${alone.map((seconds) => seconds.toFixed(1)).join(', ')} s`);

      const bulk = streamBulk(`${documents}:stream`, stopBulk.signal);
      bulk.catch(() => undefined);
      while ((await ledger.backlogTokens()) < 0.78 * mark) await delay(100);
      say('the bulk part of the mark is full');
      const beside: number[] = [];
      const backlogs: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        backlogs.push((await ledger.backlogTokens()) / mark);
        beside.push(await live(`beside${round}`));
      }
      say(`beside bulk ${beside.map((seconds) => seconds.toFixed(1)).join(', ')} s`);
      stopBulk.abort();
      await worker.stop();
      await service.stop();
      await engine.stop();
      return {
        configuration: {
          engine: 'modelled 3090: 40,000 padded tokens/s + 8 ms a request',
          'backlog mark': mark,
          'live documents': count,
          servers: stack.servers,
        },
        figures: [
          { name: 'live documents, alone', unit: 's', runs: alone },
          { name: 'live documents, beside a full bulk backlog', unit: 's', runs: beside },
          {
            name: 'beside over alone',
            unit: '×',
            runs: beside.map((seconds) => seconds / (alone.reduce((sum, one) => sum + one, 0) / alone.length)),
            limit: { atMost: 3 },
          },
          { name: 'live documents refused', unit: '', runs: refusals, limit: { atMost: 0 } },
          { name: 'backlog when they came', unit: 'of the mark', runs: backlogs },
        ],
      };
    } finally {
      stopBulk.abort();
      await releaser.release();
      await stack.stop();
    }
  },
});

/** As a bulk client does: one stream, read while it is sent. */
async function streamBulk(url: string, signal: AbortSignal): Promise<void> {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === BULK || signal.aborted) return controller.close();
      const line = JSON.stringify({ id: `bulk-${sent}`, tenant: 'bulk', text: textOf(`bulk ${sent}`) });
      controller.enqueue(new TextEncoder().encode(`${line}\n`));
      sent += 1;
    },
  });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
    duplex: 'half',
    signal,
  } as RequestInit);
  for await (const _verdict of response.body!);
}

function textOf(name: string): string {
  const sentences = [`This is the document ${name}.`];
  for (let i = 0; i < SENTENCES; i += 1) {
    sentences.push(
      `Sentence ${i} says that the mill of ${name} turned ${i * 7} times before the water was let through.`,
    );
  }
  return sentences.join(' ');
}

async function urlOf({ lines, child }: BenchProcess): Promise<string> {
  while (lines.length === 0) {
    if (child.exitCode !== null) throw new Error(`a process ended with ${child.exitCode}`);
    await delay(50);
  }
  return lines[0]!.url as string;
}
