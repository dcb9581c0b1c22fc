/** Outages in the middle of a run: waited out, no attempt used, nothing dead, and nobody spins meanwhile. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@sluice/core';
import { connectRedis, type Redis } from '@sluice/queue';
import { afterEach, expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { testLine } from '../support/stack.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { createSluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await delay(50);
}

/** User and system time of a process so far, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const ndjson = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, i) => `${JSON.stringify({ id: `doc-${from + i}`, text: `word${from + i} `.repeat(40) })}\n`,
  ).join('');

async function ends(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

type Outage = (server: { valkey: TestValkey; admin: Redis }) => Promise<() => Promise<unknown>>;

/** Each begins an outage and returns how to end it. */
const outages: Record<string, Outage> = {
  async killed({ valkey }) {
    await valkey.kill();
    return () => valkey.restart();
  },
  async 'read-only'({ admin }) {
    await admin.replicaof('127.0.0.1', 1);
    return () => admin.replicaof('NO', 'ONE');
  },
  async full({ admin }) {
    await admin.set('filler', 'x'.repeat(64 * 1_048_576));
    await admin.config('SET', 'maxmemory', '64mb');
    return () => admin.unlink('filler');
  },
};

async function runThrough(name: string, begin: Outage): Promise<void> {
  const valkey = await startValkey();
  closing.push(() => valkey.stop());
  const admin = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  closing.push(async () => admin.disconnect());
  const engine = await startJinaTinyServer({});
  closing.push(() => engine.close());
  const sluice = createSluice(testLine(name), { ...tinySettings(engine.url), SLUICE_REDIS_URL: valkey.url });

  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  closing.push(() => ends(ingest, 'SIGKILL'));
  const ended = once(ingest, 'exit');
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  ingest.stdin!.write(ndjson(0, 150));
  await until(() => events.some((event) => (event.documents as { stored?: number } | undefined)?.stored));

  const end = await begin({ valkey, admin });
  // Handed in while Redis is away: accepted afterwards.
  ingest.stdin!.end(ndjson(150, 290));
  await until(() => /Redis/.test(String(events.at(-1)?.waitingFor)));
  // Producer and worker in one process: a loop that spins takes a whole core.
  const [cpu, at] = [cpuSeconds(ingest.pid!), performance.now()];
  await delay(3_000);
  expect(((cpuSeconds(ingest.pid!) - cpu) * 1_000) / (performance.now() - at), name).toBeLessThan(0.5);
  await end();
  expect((await ended)[0], name).toBe(0);
  expect(events.at(-1), name).toMatchObject({
    documents: { read: 290, accepted: 290, stored: 290, partial: 0, rejected: 0 },
    chunks: { dead: 0 },
  });
}

test('Redis killed, read-only, full: a run that reads and a worker wait it out, and everything is stored', async () => {
  await Promise.all(Object.entries(outages).map(([name, begin]) => runThrough(name, begin)));
}, 300_000);

test('an interrupt ends a run although Redis answers nobody, and the same command goes on where it stopped', async () => {
  const valkey = await startValkey();
  closing.push(() => valkey.stop());
  const engine = await startJinaTinyServer({});
  closing.push(() => engine.close());
  const sluice = createSluice(testLine(), { ...tinySettings(engine.url), SLUICE_REDIS_URL: valkey.url });
  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  closing.push(() => ends(ingest, 'SIGKILL'));
  const ended = once(ingest, 'exit');
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  ingest.stdin!.write(ndjson(0, 150));
  await until(() => events.some((event) => (event.documents as { stored?: number } | undefined)?.stored));
  valkey.freeze();
  ingest.stdin!.write(ndjson(150, 290));
  await until(() => /Redis/.test(String(events.at(-1)?.waitingFor)));
  ingest.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
  valkey.thaw();
  expect(await sluice.ingest(['-'], ndjson(0, 290))).toMatchObject({
    exitCode: 0,
    documents: { read: 290, partial: 0 },
  });
}, 300_000);

test('a worker that waits for an engine that is not up yet is ended by its first signal', async () => {
  const sluice = createSluice(testLine(), tinySettings('http://127.0.0.1:1'));
  const worker = sluice.start(['worker']);
  closing.push(() => ends(worker, 'SIGKILL'));
  worker.stdout!.resume();
  const ended = once(worker, 'exit');
  for await (const line of createInterface({ input: worker.stderr! })) if (line.includes('engine_unreachable')) break;
  worker.kill('SIGTERM');
  expect((await ended)[0]).toBe(143);
});
