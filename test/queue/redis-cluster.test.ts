/** A line over three servers in a cluster: its shards lie on all of them, and everything that a line does finds its server. */
import { loadConfig, silentLogger } from '@sluice/core';
import {
  connectRedis,
  openBoardQueues,
  openChunkQueue,
  openChunkWorker,
  openRuns,
  type Redis,
  redisInfo,
} from '@sluice/queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld } from '../ledger/world.ts';
import { freePort, startValkey, type TestValkey } from '../support/valkey.ts';

const SLOTS = 16_384;
let nodes: TestValkey[] = [];
let redis: Redis;
let url: string;

beforeAll(async () => {
  const buses = [await freePort(), await freePort(), await freePort()];
  nodes = await Promise.all(
    buses.map((bus) => startValkey(['--cluster-enabled', 'yes', '--cluster-port', String(bus)])),
  );
  const direct = nodes.map((node) => connectRedis(node.url, { role: 'reader', logger: silentLogger }));
  for (const [i, server] of direct.entries()) {
    const [first, last] = [Math.ceil((SLOTS * i) / 3), Math.ceil((SLOTS * (i + 1)) / 3) - 1];
    await server.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
    await server.call('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    if (i > 0) await direct[0]!.call('CLUSTER', 'MEET', '127.0.0.1', nodes[i]!.port, buses[i]!);
  }
  const joined = async (server: Redis) => {
    const state = await server.cluster('INFO');
    return state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3');
  };
  for (const server of direct) while (!(await joined(server)));
  for (const server of direct) server.disconnect();
  url = `${nodes[0]!.url}?cluster=true`;
  redis = connectRedis(url, { role: 'producer', logger: silentLogger });
});
afterAll(async () => {
  redis?.disconnect();
  await Promise.all(nodes.map((node) => node.stop()));
});

test('documents go in, chunks come out and are stored, and a dropped line leaves nothing on any server', async () => {
  const world = createWorld(url, { redis, shards: 8, line: 'main' });
  const queue = openChunkQueue(redis, world.address);
  const { number: run } = await openRuns(redis, world.address).start({ inputs: [], sources: [] });
  for (let i = 0; i < 64; i++) await world.handIn(`d${i}`, 'A', { n: 2, run });
  await queue.add(world.jobs);
  expect((await queue.counts()).waiting).toBe(128);
  const sizes = await Promise.all(nodes.map((node) => keysOf(node)));
  for (const keys of sizes) expect(keys).toBeGreaterThan(5);

  const taken = new Set<string>();
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    url,
    world.address,
    async (job) => {
      taken.add(job.id!);
      if (taken.size === 128) resolve();
    },
    { concurrency: 16, onError: () => undefined },
  );
  await all;
  await worker.close();
  await world.workAll();
  await world.ledger.countRequests([{ rows: [{ run, tokens: 10 }], paddedTokens: 12 }]);
  await world.ledger.workerBeat('w1', { host: 'h', pid: 1, held: 0 });
  await world.settle();
  expect(await world.ledger.counts()).toMatchObject({ stored: 64, open: 0 });

  const board = openBoardQueues(url, world.address);
  expect(await board.queues[0]!.getWaitingCount()).toBe(0);
  await board.close();
  await queue.close();
  await world.ledger.drop();
  expect(await Promise.all(nodes.map((node) => keysOf(node)))).toEqual([0, 0, 0]);
});

test('memory is that of the whole cluster, and the fullest server decides', async () => {
  const fullest = connectRedis(nodes[1]!.url, { role: 'reader', logger: silentLogger });
  const { maxBytes: before } = await redisInfo(redis);
  await fullest.config('SET', 'maxmemory', '64mb');
  const info = await redisInfo(redis);
  expect(info.maxBytes).toBe(3 * 64 * 2 ** 20);
  expect(info.maxBytes).toBeLessThan(before);
  expect(info.usedBytes / info.maxBytes).toBeGreaterThan(0.01);
  fullest.disconnect();
});

test('a URL of a cluster is a setting like any other', () => {
  expect(() => loadConfig([{ name: 'test', values: { SLUICE_REDIS_URL: url, SLUICE_SHARDS: '8' } }])).not.toThrow();
});

/** Keys of the line's shards that lie on this server. */
async function keysOf(node: TestValkey): Promise<number> {
  const server = connectRedis(node.url, { role: 'reader', logger: silentLogger });
  const keys = await server.keys('{sluice:main:*');
  server.disconnect();
  return keys.length;
}
