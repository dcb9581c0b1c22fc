/**
 * What a live tenant feels of a bulk one, on a modelled 3090. Two lines with a worker each share it: on one the live tenant is
 * alone, on the other a bulk tenant streams documents, out of 100,000, as fast as they are taken, and its part of the backlog's
 * mark is full. 100 live documents of one chunk each, from the first request until the last is stored, now on the one and now on
 * the other, the bulk one held meanwhile: so what else the machine does falls on both. Then two tenants who hand in as much as each
 * other, one after the other, on a third line.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { createReleaser, documentKey, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { bench } from '../report/bench.ts';
import { type BenchProcess, openBenchStack } from '../stack/bench-stack.ts';

const ALONE = 'bench-fairness-alone';
const BESIDE = 'bench-fairness';
const EQUAL = 'bench-fairness-equal';
const LIVE = 100;
const LIVE_SHORT = 30;
const BULK = 100_000;
/** Each of two equal tenants. */
const EQUALS = 200;
const EQUALS_SHORT = 60;
/** Of 24 tokens or so: documents of 2,050 to 4,000, of lengths that have nothing to do with whose they are. */
const SENTENCES_LEAST = 86;
const SENTENCES_MOST = 168;
/** Of the line as it is by default: more than six minutes of the device. In the short form half a minute. */
const MARK = 20_000_000;
const SHORT_MARK = 1_500_000;
let lengths = 1;

await bench({
  name: 'fairness',
  question: 'what a live tenant feels of a bulk one',
  async measure({ short, say }) {
    const rounds = short ? 1 : 3;
    const mark = short ? SHORT_MARK : MARK;
    const count = short ? LIVE_SHORT : LIVE;
    const equals = short ? EQUALS_SHORT : EQUALS;
    const stack = await openBenchStack();
    const releaser = createReleaser();
    const stopBulk = new AbortController();
    try {
      const engine = stack.sluice(['engine', '--model', 'modelled', '--port', '0', '--json']);
      const settings = {
        SLUICE_ENGINE: 'modelled',
        SLUICE_ENGINE_URL: await urlOf(engine),
        SLUICE_DIMENSION: '64',
        SLUICE_BACKLOG_TOKENS: String(mark),
      };
      const workers: BenchProcess[] = [];
      for (const line of [ALONE, BESIDE, EQUAL]) workers.push(await stack.worker({ ...settings, SLUICE_LINE: line }));
      const service = stack.sluice(['serve', '--port', '0', '--json'], {
        ...settings,
        SLUICE_LINE: BESIDE,
        SLUICE_LOG_LEVEL: 'warn',
      });
      const url = await urlOf(service);
      const ledgerOf = async (line: string) => {
        const values = { ...stack.settings, ...settings, SLUICE_LINE: line };
        const { config } = loadConfig([{ name: 'bench', values }]);
        return (await openExistingLine(config, { logger: silentLogger, releaser })).ledger;
      };
      const [alone, beside, equal] = await Promise.all([ALONE, BESIDE, EQUAL].map(ledgerOf));
      const documents = (line: string) => `${url}/v1/lines/${line}/documents`;
      const refusals: number[] = [];

      /** Seconds from the first request until all are stored. */
      async function live(line: string, round: string): Promise<number> {
        const ledger = line === ALONE ? alone! : beside!;
        const startedAt = performance.now();
        let refused = 0;
        for (let i = 0; i < count; i += 1) {
          const body = JSON.stringify({ id: `${round}-${i}`, tenant: 'live', text: textOf(`${round}-${i}`) });
          const { status } = await fetch(documents(line), {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          });
          if (status !== 202) refused += 1;
        }
        refusals.push(refused);
        const keys = Array.from({ length: count }, (_, i) =>
          documentKey({ line, tenant: 'live', id: `${round}-${i}` }),
        );
        while (!(await ledger.read(keys)).every((state) => state?.state === 'stored')) await delay(50);
        return (performance.now() - startedAt) / 1_000;
      }

      await live(ALONE, 'warm');
      await live(BESIDE, 'warm');
      const bulk = stream(`${documents(BESIDE)}:stream`, { tenant: 'bulk', count: BULK }, stopBulk.signal);
      bulk.catch(() => undefined);
      while ((await beside!.backlogTokens()) < 0.78 * mark) await delay(100);
      say('the bulk part of the mark is full');
      const runs: Record<'alone' | 'beside' | 'backlog', number[]> = { alone: [], beside: [], backlog: [] };
      for (let round = 0; round < rounds; round += 1) {
        await beside!.pause('measuring without it');
        while ((await beside!.liveWorkers()).some(({ held }) => held > 0)) await delay(100);
        runs.alone.push(await live(ALONE, `round${round}`));
        await beside!.resume();
        const { usefulTokens } = await beside!.statistics();
        while ((await beside!.statistics()).usefulTokens === usefulTokens) await delay(100);
        runs.backlog.push((await beside!.backlogTokens()) / mark);
        runs.beside.push(await live(BESIDE, `round${round}`));
        say(`alone ${runs.alone.at(-1)!.toFixed(1)} s, beside bulk ${runs.beside.at(-1)!.toFixed(1)} s`);
      }
      stopBulk.abort();
      await beside!.pause('done');

      await equal!.pause('until both have handed in');
      for (const tenant of ['first', 'second']) await stream(`${documents(EQUAL)}:stream`, { tenant, count: equals });
      const tokensOf = async (tenant: string) =>
        (await equal!.shares()).find((share) => share.tenant === tenant)?.backlogTokens ?? 0;
      while ((await equal!.counts()).open < 2 * equals) await delay(100);
      const handedIn = { first: await tokensOf('first'), second: await tokensOf('second') };
      await equal!.resume();
      while ((await equal!.backlogTokens()) > (handedIn.first + handedIn.second) / 2) await delay(20);
      const served = {
        first: handedIn.first - (await tokensOf('first')),
        second: handedIn.second - (await tokensOf('second')),
      };
      const share = served.second / (served.first + served.second);
      say(`half way the second of two equal tenants has had ${(share * 100).toFixed(0)} %`);

      for (const worker of workers) await worker.stop();
      await service.stop();
      await engine.stop();
      return {
        configuration: {
          engine: 'modelled 3090: 40,000 padded tokens/s + 8 ms a request',
          'backlog mark': mark,
          'live documents': count,
          'documents of each equal tenant': equals,
          servers: stack.servers,
        },
        figures: [
          { name: 'live documents, alone', unit: 's', runs: runs.alone },
          { name: 'live documents, beside a full bulk backlog', unit: 's', runs: runs.beside },
          {
            name: 'beside over alone, one after the other',
            unit: '×',
            runs: runs.beside.map((seconds, round) => seconds / runs.alone[round]!),
            limit: { atMost: 3 },
          },
          { name: 'live documents refused', unit: '', runs: refusals, limit: { atMost: 0 } },
          { name: 'backlog when they came', unit: 'of the mark', runs: runs.backlog },
          {
            name: 'share of the later of two equal tenants when half is stored',
            unit: '',
            runs: [share],
            limit: { atLeast: 0.4 },
          },
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
async function stream(
  url: string,
  { tenant, count }: { tenant: string; count: number },
  signal?: AbortSignal,
): Promise<void> {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === count || signal?.aborted === true) return controller.close();
      const line = JSON.stringify({ id: `bulk-${sent}`, tenant, text: textOf(`${tenant}-${sent}`) });
      controller.enqueue(new TextEncoder().encode(`${line}\n`));
      sent += 1;
    },
  });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
    duplex: 'half',
    ...(signal !== undefined && { signal }),
  } as RequestInit);
  for await (const _verdict of response.body!);
}

/** Of a length that the last one does not tell, the same in every run. */
function textOf(name: string): string {
  lengths = (lengths * 48_271) % 2_147_483_647;
  const count = SENTENCES_LEAST + (lengths % (SENTENCES_MOST - SENTENCES_LEAST));
  const sentences = [`This is the document ${name}.`];
  for (let i = 0; i < count; i += 1) {
    sentences.push(`Sentence ${i} says that the mill turned ${i * 7} times before the water was let through.`);
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
