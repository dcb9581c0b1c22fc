/** Outages in the middle of a run: waited out, no attempt used, nothing dead, and nobody spins meanwhile. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@sluice/core';
import { connectRedis, type Redis } from '@sluice/queue';
import { expect, type TestContext, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.ts';
import { createRandom } from '../faults/random.ts';
import { type JinaTinyServer, startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { sharedStack, taskLine } from '../support/stack.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { readLine } from './line-reader.ts';
import { createSluice, ended } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

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

interface Servers {
  valkey: TestValkey;
  admin: Redis;
  engine: JinaTinyServer;
  milvus: FaultProxy;
}

interface Outage {
  /** Returns how to end it. */
  begin(servers: Servers): Promise<() => unknown>;
  /** What the command says that it waits for. */
  says: RegExp;
}

const ofRedis: Record<string, Outage> = {
  killed: {
    async begin({ valkey }) {
      await valkey.kill();
      return () => valkey.restart();
    },
    says: /Redis/,
  },
  'read-only': {
    async begin({ admin }) {
      await admin.replicaof('127.0.0.1', 1);
      return () => admin.replicaof('NO', 'ONE');
    },
    says: /Redis/,
  },
  full: {
    async begin({ admin }) {
      await admin.set('filler', 'x'.repeat(64 * 1_048_576));
      await admin.config('SET', 'maxmemory', '64mb');
      return () => admin.unlink('filler');
    },
    says: /Redis/,
  },
};
const ofOthers: Record<string, Outage> = {
  engine: {
    async begin({ engine }) {
      engine.become({ script: () => ({ status: 503, body: { detail: 'loading' } }) });
      return () => engine.become({});
    },
    says: /engine/i,
  },
  milvus: {
    async begin({ milvus }) {
      await milvus.become({ kind: 'down' });
      return () => milvus.become(undefined);
    },
    says: /Milvus/,
  },
};

async function runThrough(context: TestContext, name: string, { begin, says }: Outage): Promise<void> {
  const valkey = await startValkey(['--appendfsync', 'always']);
  context.onTestFinished(() => valkey.stop());
  const admin = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  context.onTestFinished(async () => admin.disconnect());
  const engine = await startJinaTinyServer({});
  context.onTestFinished(() => engine.close());
  const [host = '', port] = sharedStack().milvus.address.split(':');
  const milvus = await startFaultProxy({ host, port: Number(port) }, createRandom(1));
  context.onTestFinished(() => milvus.close());
  const sluice = createSluice(taskLine(context, name), {
    ...tinySettings(engine.url),
    SLUICE_REDIS_URL: valkey.url,
    SLUICE_MILVUS_ADDRESS: `127.0.0.1:${milvus.port}`,
  });

  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  context.onTestFinished(() => ends(ingest, 'SIGKILL'));
  const closed = ended(ingest);
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  ingest.stdin!.write(ndjson(0, 150));
  await until(() => events.some((event) => (event.documents as { stored?: number } | undefined)?.stored));

  const end = await begin({ valkey, admin, engine, milvus });
  // Handed in meanwhile: accepted at once, or afterwards where Redis is away.
  ingest.stdin!.end(ndjson(150, 290));
  await until(() => says.test(String(events.at(-1)?.waitingFor)));
  // Producer and worker in one process: a loop that spins takes a whole core.
  const [cpu, at] = [cpuSeconds(ingest.pid!), performance.now()];
  await delay(3_000);
  expect(((cpuSeconds(ingest.pid!) - cpu) * 1_000) / (performance.now() - at), name).toBeLessThan(0.5);
  await end();
  expect(await closed, name).toBe(0);
  expect(events.at(-1), name).toMatchObject({
    documents: { read: 290, accepted: 290, stored: 290, partial: 0, rejected: 0 },
    chunks: { dead: 0 },
  });
}

test.concurrent('Redis killed, read-only, full: a run that reads and a worker wait it out, and everything is stored', {
  timeout: 600_000,
}, async (context) => {
  await Promise.all(Object.entries(ofRedis).map(([name, outage]) => runThrough(context, name, outage)));
});

test.concurrent('an engine and a Milvus that go away in the middle of a run: it says so, waits, and everything is stored', {
  timeout: 600_000,
}, async (context) => {
  await Promise.all(Object.entries(ofOthers).map(([name, outage]) => runThrough(context, name, outage)));
});

test.concurrent('a worker whose engine is gone lets others have its work, and goes on when it is back', {
  timeout: 600_000,
}, async (context) => {
  const [gone, well] = await Promise.all([startJinaTinyServer({}), startJinaTinyServer({})]);
  context.onTestFinished(async () => void (await Promise.all([gone.close(), well.close()])));
  const name = taskLine(context);
  const [first, second] = [gone, well].map(({ url }) => createSluice(name, tinySettings(url)));
  const waiting = await first!.worker({ quick: true });
  context.onTestFinished(() => ends(waiting, 'SIGKILL'));
  gone.become({ script: () => ({ status: 503, body: { detail: 'loading' } }) });
  expect((await first!.run(['ingest', '-', '--no-wait'], ndjson(0, 60))).code).toBe(0);
  const line = await readLine(name);
  context.onTestFinished(() => line.close());
  const workers = () => line.ledger.liveWorkers();
  await until(async () => (await workers()).some(({ held, outage }) => (held ?? 0) > 0 && outage !== undefined));

  const helping = await second!.worker({ quick: true });
  expect(await second!.ingest(['-'], ndjson(0, 60))).toMatchObject({ exitCode: 0, chunks: { dead: 0 } });
  expect(await line.countRows()).toBe(60);
  await ends(helping, 'SIGTERM');

  gone.become({});
  expect(await first!.ingest(['-'], ndjson(60, 120))).toMatchObject({ exitCode: 0, documents: { stored: 60 } });
  expect(await line.countRows()).toBe(120);
});

test.concurrent('an interrupt ends a run although Redis answers nobody, and the same command goes on where it stopped', {
  timeout: 600_000,
}, async (context) => {
  const valkey = await startValkey();
  context.onTestFinished(() => valkey.stop());
  const engine = await startJinaTinyServer({});
  context.onTestFinished(() => engine.close());
  const sluice = createSluice(taskLine(context), { ...tinySettings(engine.url), SLUICE_REDIS_URL: valkey.url });
  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  context.onTestFinished(() => ends(ingest, 'SIGKILL'));
  const closed = ended(ingest);
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  ingest.stdin!.write(ndjson(0, 150));
  await until(() => events.some((event) => (event.documents as { stored?: number } | undefined)?.stored));
  valkey.freeze();
  ingest.stdin!.write(ndjson(150, 290));
  await until(() => /Redis/.test(String(events.at(-1)?.waitingFor)));
  ingest.kill('SIGINT');
  expect(await closed).toBe(130);
  valkey.thaw();
  expect(await sluice.ingest(['-'], ndjson(0, 290))).toMatchObject({
    exitCode: 0,
    documents: { read: 290, partial: 0 },
  });
});

test.concurrent('a worker that waits for an engine that is not up yet is ended by its first signal', {
  timeout: 600_000,
}, async (context) => {
  const sluice = createSluice(taskLine(context), tinySettings('http://127.0.0.1:1'));
  const worker = sluice.start(['worker']);
  context.onTestFinished(() => ends(worker, 'SIGKILL'));
  worker.stdout!.resume();
  const exited = once(worker, 'exit');
  for await (const line of createInterface({ input: worker.stderr! })) if (line.includes('engine_unreachable')) break;
  worker.kill('SIGTERM');
  expect((await exited)[0]).toBe(143);
});
