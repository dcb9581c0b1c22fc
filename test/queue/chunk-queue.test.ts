/** The queue and its workers on a real Valkey: what BullMQ does with our options, not what its manual says. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  type ChunkJob,
  type LineAddress,
  openBoardQueues,
  openChunkQueue,
  openChunkWorker,
  type Redis,
  shardTag,
} from '@sluice/queue';
import { UnrecoverableError } from 'bullmq';
import { beforeEach, expect, test } from 'vitest';
import { createWorld } from '../ledger/world.ts';
import { ownRedis } from '../support/own-redis.ts';

const own = ownRedis();
let redis: Redis;
const address: LineAddress = { line: 'main', epoch: 'e1', shards: 1 };

beforeEach(() => {
  redis = own.redis;
});

async function someJobs(count: number, shards = 1): Promise<ChunkJob[]> {
  const world = createWorld(own.valkey.url, { redis, shards, line: 'main' });
  for (let i = 0; i < count; i += 50) await world.handIn(`d${i}`, `text ${i}`, { n: Math.min(50, count - i) });
  return world.jobs;
}

test('everything of a line is under one hash tag a shard, BullMQ keys as well', async () => {
  const queue = openChunkQueue(redis, { ...address, shards: 3 });
  await queue.add(await someJobs(120, 3));
  const keys = await redis.keys('*');
  expect(keys.length).toBeGreaterThan(10);
  for (const key of keys) expect(key).toMatch(/^\{sluice:main:e1:[012]\}:/);
  expect((await queue.counts()).waiting).toBe(120);
  await queue.close();
});

test('adding again after an error doubles nothing', async () => {
  const queue = openChunkQueue(redis, address);
  const jobs = await someJobs(250);
  await queue.add(jobs.slice(0, 100));
  await queue.add(jobs);
  await queue.add(jobs);
  expect(await queue.counts()).toEqual({ waiting: 250, active: 0, delayed: 0, failed: 0 });
  await queue.close();
});

test('a bulk that fails in the middle, because Redis is full, is sent again as a whole and is complete', async () => {
  const jobs = await someJobs(150);
  for (const job of jobs) job.text = 'x'.repeat(20_000);
  let sleeps = 0;
  const queue = openChunkQueue(redis, address, {
    clock: {
      now: () => 0,
      monotonicMs: () => 0,
      sleep: async () => {
        sleeps += 1;
        if (sleeps === 8) await redis.config('SET', 'maxmemory', '256mb');
      },
    },
  });
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1]);
  await redis.config('SET', 'maxmemory', String(used + 1_500_000));
  await queue.add(jobs);
  expect(sleeps).toBeGreaterThanOrEqual(8);
  expect((await queue.counts()).waiting).toBe(150);
  await queue.close();
});

test('an outage longer than a minute ends adding with an error that says to run again', async () => {
  let time = 0;
  const queue = openChunkQueue(redis, address, {
    clock: {
      now: () => 0,
      monotonicMs: () => time,
      async sleep(ms) {
        time += ms;
      },
    },
  });
  const jobs = await someJobs(1);
  await redis.config('SET', 'maxmemory', '1mb');
  try {
    await expect(queue.add(jobs)).rejects.toMatchObject({ code: 'queue_busy', verdict: 'retry' });
    expect(time).toBeGreaterThan(10_000);
    expect(time).toBeLessThanOrEqual(60_000);
  } finally {
    await redis.config('SET', 'maxmemory', '256mb');
    await queue.close();
  }
});

test('jobs reach the processor with their data, and nothing of a completed job stays', async () => {
  const queue = openChunkQueue(redis, address);
  const jobs = await someJobs(60);
  await queue.add(jobs);
  const seen: string[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async (job) => {
      seen.push((job.data as ChunkJob).hash);
      if (seen.length === jobs.length) resolve();
    },
    { concurrency: 16, onError: () => undefined },
  );
  await done;
  await worker.close();
  expect(seen.sort()).toEqual(jobs.map((job) => job.hash).sort());
  expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  const left = await redis.keys(`${shardTag(address, 0)}:chunks:d*`);
  expect(left).toEqual([]);
  await queue.close();
});

test('a failed job that is kept does not swallow its chunk: added again under the next generation it is done', async () => {
  const queue = openChunkQueue(redis, address);
  const [job] = await someJobs(1);
  const done = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async ({ data }) => {
      if ((data as ChunkJob).generation === 0) {
        queueMicrotask(failed.resolve);
        throw new UnrecoverableError('planted');
      }
      done.resolve();
    },
    { concurrency: 1, onError: () => undefined },
  );
  await queue.add([job!]);
  await failed.promise;
  while ((await queue.counts()).failed === 0);
  // BullMQ takes an id that it keeps for done: this one changes nothing.
  await queue.add([job!]);
  expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 });
  await queue.add([{ ...job!, generation: 1 }]);
  await done.promise;
  await worker.close();
  await queue.close();
});

test('no text of a document is in what BullMQ tells of its jobs', async () => {
  const queue = openChunkQueue(redis, address);
  const jobs = await someJobs(30);
  for (const job of jobs) job.text = `secret words ${job.ordinal}`;
  await queue.add(jobs);
  let seen = 0;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async () => {
      seen += 1;
      if (seen === jobs.length) resolve();
    },
    { concurrency: 8, onError: () => undefined },
  );
  await done;
  await worker.close();
  const events = await redis.xrange(`${shardTag(address, 0)}:chunks:events`, '-', '+');
  expect(events.filter(([, fields]) => fields.includes('completed'))).toHaveLength(30);
  expect(JSON.stringify(events)).not.toContain('secret');
  await queue.close();
});

test('a worker that is asked to stop takes nothing new, and finishes what it has', async () => {
  const queue = openChunkQueue(redis, address);
  await queue.add(await someJobs(40));
  const started: string[] = [];
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const { promise: full, resolve: isFull } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async (job) => {
      started.push(job.id!);
      if (started.length === 8) isFull();
      await release;
    },
    { concurrency: 8, onError: () => undefined },
  );
  await full;
  await worker.stopFetching();
  resolve();
  await worker.close();
  expect(started.length).toBe(8);
  expect(await queue.counts()).toEqual({ waiting: 32, active: 0, delayed: 0, failed: 0 });
  await queue.close();
});

test('a worker killed again and again with the same jobs in hand never fails them: another one completes them', async () => {
  const queue = openChunkQueue(redis, address);
  await queue.add(await someJobs(5));
  for (let kill = 0; kill < 3; kill += 1) {
    const child = fork(new URL('./hanging-worker.ts', import.meta.url), [own.valkey.url, JSON.stringify(address)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message'); // it holds all five
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const done = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async (job) => {
      done.add(job.id!);
      if (done.size === 5) resolve();
    },
    { concurrency: 5, onError: () => undefined, lockMs: 500, stalledIntervalMs: 200 },
  );
  await promise;
  await worker.close();
  expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  await queue.close();
});

test('abandoned revisions take their waiting jobs with them', async () => {
  const world = createWorld(own.valkey.url, { redis, line: 'main' });
  const queue = openChunkQueue(redis, address);
  await world.handIn('d', 'A', { n: 4, until: 'enqueued', producer: 'dying' });
  await world.handIn('e', 'E', { n: 3 });
  await queue.add(world.jobs);
  world.advance(601_000);
  await queue.remove(await world.ledger.abandonStale());
  expect((await queue.counts()).waiting).toBe(3);
  await queue.close();
});

test('the event stream stays capped whoever opens the queue', async () => {
  const board = openBoardQueues(own.valkey.url, address);
  const queue = openChunkQueue(redis, address);
  await queue.add(await someJobs(2_500));
  expect(await redis.xlen(`${shardTag(address, 0)}:chunks:events`)).toBeLessThan(1_300);
  await Promise.all(board.queues.map((opened) => opened.waitUntilReady()));
  expect(await redis.hget(`${shardTag(address, 0)}:chunks:meta`, 'opts.maxLenEvents')).toBe('1000');
  await board.close();
  await queue.close();
});

test('dropping a line leaves nothing of it and everything of others', async () => {
  const world = createWorld(own.valkey.url, { redis, line: 'main' });
  const other = createWorld(own.valkey.url, { redis, line: 'other' });
  const queue = openChunkQueue(redis, address);
  await world.handIn('d', 'A', { run: (await world.runs.start({ inputs: ['x'], sources: ['s'] })).number });
  await other.handIn('d', 'A');
  await queue.add(world.jobs);
  await queue.close();
  await world.ledger.drop();
  expect(await redis.keys('*main*')).toEqual([]);
  expect((await redis.keys('*other*')).length).toBeGreaterThan(0);
});
