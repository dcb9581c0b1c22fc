/**
 * Accepting documents over HTTP: 1,000 open connections, 200 documents a second for a minute on the null engine, then five times that
 * rate, then rising rates for the one at which the 99th percentile passes 50 ms. Clients, service, worker, Valkey and Milvus share
 * this machine. Afterwards the ledger is asked for every accepted revision: it is stored or dead, or a later one was committed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createReleaser, documentKey, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { openSubmissionQueue } from '@sluice/queue';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { type BenchProcess, openBenchStack } from '../stack/bench-stack.ts';
import type { Load, LoadResult } from './load.ts';

const LINE = 'bench-service';
const RATE = 200;
const CONNECTIONS = 1_000;
const IDS = 8_000;
const TEXT_BYTES = 1_000;
const NULL_ENGINE = { SLUICE_ENGINE: 'null', SLUICE_FULL_DIMENSION: '64', SLUICE_DIMENSION: '64' };

await bench({
  name: 'service',
  question: 'how fast documents are accepted over HTTP, and whether everything accepted is stored',
  async measure({ short, say }) {
    const seconds = short ? 4 : 60;
    const stack = await openBenchStack();
    const settings = { ...NULL_ENGINE, SLUICE_LINE: LINE, SLUICE_LOG_LEVEL: 'warn' };
    const clients = fork(join(import.meta.dirname, 'load.ts'));
    const releaser = createReleaser();
    try {
      const worker = await stack.worker({ ...settings, SLUICE_LOG_LEVEL: 'info' });
      const service = stack.sluice(['serve', '--port', '0', '--json'], settings);
      const url = await urlOf(service);
      const { config } = loadConfig([{ name: 'bench', values: { ...stack.settings, ...settings } }]);
      const line = await openExistingLine(config, { logger: silentLogger, releaser });
      const submissions = openSubmissionQueue(line.redis, LINE);
      releaser.push('the submission queue', () => submissions.close());
      const accepted = new Map<string, string[]>();
      const open: number[] = [];
      let round = 0;
      let acceptedInAll = 0;

      async function send(rate: number, forSeconds: number): Promise<LoadResult & { memoryMB: number[] }> {
        round += 1;
        const memoryMB: number[] = [];
        const watch = setInterval(() => memoryMB.push(residentMB(service.child.pid!)), 500);
        const load: Load = {
          url,
          line: LINE,
          connections: CONNECTIONS,
          rate,
          seconds: forSeconds,
          ids: IDS,
          round,
          textBytes: TEXT_BYTES,
        };
        clients.send(load);
        const [result] = (await once(clients, 'message')) as [LoadResult];
        clearInterval(watch);
        for (const [id, revisions] of Object.entries(result.revisions))
          accepted.set(id, [...(accepted.get(id) ?? []), ...revisions]);
        open.push(result.open.before, result.open.after);
        acceptedInAll += result.accepted;
        say(`${rate}/s: ${JSON.stringify(result.statuses)}, p99 ${percentile(result.acceptMs, 0.99).toFixed(1)} ms`);
        return { ...result, memoryMB };
      }

      /** Everything accepted has ended. */
      async function drained(): Promise<void> {
        while ((await submissions.waiting()) > 0 || (await line.ledger.backlogTokens()) > 0) await delay(250);
        while ((await line.ledger.counts()).open > 0) await delay(250);
      }

      await send(50, 3);
      await drained();
      const steady = await send(RATE, seconds);
      await drained();
      const crowded = await send(RATE * 5, seconds);
      await drained();
      const steps: [number, number][] = [];
      for (let rate = 100; rate <= (short ? 300 : 1_000) && (steps.at(-1)?.[1] ?? 0) <= 50; rate += 100) {
        const step = await send(rate, short ? 1 : 6);
        steps.push([rate, percentile(step.acceptMs, 0.99)]);
        await drained();
      }
      const { stored, superseded, dead, lost } = await lookFor(line, accepted);
      await service.stop();
      await worker.stop();
      const passes = steps.find(([, p99]) => p99 > 50);
      const figures: Figure[] = [
        {
          name: 'accepted at first try, 200/s',
          unit: '',
          runs: [steady.accepted / steady.sent],
          limit: { atLeast: 0.95 },
        },
        { name: 'time to accept, p50, 200/s', unit: 'ms', runs: [percentile(steady.acceptMs, 0.5)] },
        { name: 'time to accept, p99, 200/s', unit: 'ms', runs: [percentile(steady.acceptMs, 0.99)] },
        {
          name: 'rate at which p99 passes 50 ms',
          unit: 'documents/s',
          runs: [passes?.[0] ?? steps.at(-1)![0]],
        },
        {
          name: 'accepted a second, offered 1,000/s over 200/s',
          unit: '',
          runs: [crowded.accepted / crowded.seconds / (steady.accepted / steady.seconds)],
          limit: { atLeast: 1 },
        },
        {
          name: 'answers other than 202 and 503 with Retry-After, offered 1,000/s',
          unit: '',
          runs: [crowded.sent - crowded.accepted - crowded.withRetryAfter],
          limit: { atMost: 0 },
        },
        {
          name: 'connections open before and after each rate',
          unit: '',
          runs: open,
          limit: { atLeast: CONNECTIONS, everyRun: true },
        },
        {
          name: 'accepted and neither stored, superseded nor dead',
          unit: 'documents',
          runs: [lost],
          limit: { atMost: 0 },
        },
        ...[['200/s', steady] as const, ['offered 1,000/s', crowded] as const].map(([at, { memoryMB }]) => ({
          name: `memory of the service, last quarter over second, ${at}`,
          unit: '',
          runs: [quarter(memoryMB, 3) / quarter(memoryMB, 1)],
          limit: { atMost: 1.05 },
        })),
        { name: 'memory of the service, peak', unit: 'MB', runs: [Math.max(...steady.memoryMB, ...crowded.memoryMB)] },
      ];
      return {
        configuration: {
          connections: CONNECTIONS,
          'seconds a rate': seconds,
          'bytes of text': TEXT_BYTES,
          'distinct documents': IDS,
          servers: stack.servers,
          engine: 'null, 64 dimensions',
        },
        figures,
        courses: [{ name: 'p99 of accepting by rate', unit: 'ms over documents/s', points: steps }],
        remarks: [
          `${acceptedInAll} accepted in all = ${stored} stored + ${superseded} superseded by a later revision of the same document + ${dead} dead + ${lost} lost.`,
          passes === undefined
            ? 'p99 stayed under 50 ms at every rate tried.'
            : `p99 was ${passes[1].toFixed(1)} ms at ${passes[0]}/s.`,
          'Clients, service, worker and both servers share the cores; times count from when a request was due.',
        ],
      };
    } finally {
      clients.kill();
      await releaser.release();
      await stack.stop();
    }
  },
});

/** What the ledger says of each accepted revision: readable, of a document with dead chunks, below a later committed one, or none of these. */
async function lookFor(
  { ledger, name }: { ledger: Awaited<ReturnType<typeof openExistingLine>>['ledger']; name: string },
  accepted: ReadonlyMap<string, readonly string[]>,
): Promise<{ stored: number; superseded: number; dead: number; lost: number }> {
  const found = { stored: 0, superseded: 0, dead: 0, lost: 0 };
  const entries = [...accepted];
  const states = await ledger.read(entries.map(([id]) => documentKey({ line: name, id })));
  for (const [i, [, revisions]] of entries.entries()) {
    const { state, currentRevision = '0', wholeRevision } = states[i] ?? {};
    for (const revision of revisions) {
      if (state === 'stored' && revision === wholeRevision) found.stored += 1;
      else if (state === 'partial' && revision === currentRevision) found.dead += 1;
      else if (BigInt(revision) < BigInt(currentRevision)) found.superseded += 1;
      else found.lost += 1;
    }
  }
  return found;
}

async function urlOf({ lines, child }: BenchProcess): Promise<string> {
  while (lines.length === 0) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    await delay(50);
  }
  return lines[0]!.url as string;
}

function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;
}

/** Mean of one quarter of a course, 0 to 3. */
function quarter(values: readonly number[], which: number): number {
  const part = values.slice(Math.floor((values.length * which) / 4), Math.floor((values.length * (which + 1)) / 4));
  return part.reduce((sum, value) => sum + value, 0) / part.length;
}

function residentMB(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4_096) / 1e6;
}
