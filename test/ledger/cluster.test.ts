/** A server in cluster mode refuses a script that touches keys of two slots, or keys it did not declare in its own. */
import { silentLogger } from '@sluice/core';
import { connectRedis, openChunkQueue } from '@sluice/queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startValkey, type TestValkey } from '../support/valkey.ts';
import { createWorld } from './world.ts';

let valkey: TestValkey;

beforeAll(async () => {
  valkey = await startValkey(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]);
});
afterAll(async () => {
  await valkey.stop();
});

test('every verb keeps to one slot a shard', async () => {
  const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  while (!(await redis.cluster('INFO')).includes('cluster_state:ok'));
  const world = createWorld(valkey.url, { redis, shards: 4, line: 'main' });
  const queue = openChunkQueue(redis, world.address);
  const ids = Array.from({ length: 16 }, (_, i) => `d${i}`);
  const { number: run } = await world.runs.start({ inputs: [], sources: [] });

  for (const id of ids) await world.handIn(id, 'A', { n: 2, run });
  await queue.add(world.jobs);
  await world.workAll();
  for (const id of ids) await world.handIn(id, 'B', { n: 2, run });
  for (const job of world.jobs.splice(0)) {
    if (job.ordinal === 0) await world.work(job);
    else await world.die(job);
  }
  const letters = [];
  for await (const letter of world.ledger.deadLetters()) letters.push(letter);
  expect(letters).toHaveLength(16);
  const [retried, dropped] = [letters.slice(0, 8), letters.slice(8)];
  for (const { job } of await world.ledger.retry(retried)) await world.work(job!);
  expect((await world.ledger.dropRevision(dropped)).map(({ answer }) => answer)).toEqual(Array(8).fill('restored'));
  await world.settle();
  expect(await world.ledger.attempt(letters)).toEqual(Array(16).fill(0));
  await world.ledger.reserve(ids.map((id) => ({ key: world.key(id), id, submission: 's' })));
  await world.handIn('e', 'E', { until: 'prepared', producer: 'dying' });
  await world.ledger.enterCall('w1', retried);
  await world.ledger.suspicions('w2', retried);
  await world.ledger.workerBeat('w1', { host: 'h', pid: 1, held: 0 });
  world.advance(700_000);
  expect(await world.ledger.abandonStale()).toHaveLength(1);
  await world.sweep();
  await world.ledger.forgetOld();
  await world.ledger.remove(ids.map((id) => ({ key: world.key(id) })));
  await world.settle();
  expect(await world.ledger.counts()).toMatchObject({ deleted: 16, stored: 0, open: 0, partial: 0, settling: 0 });
  expect(world.rows.size).toBe(0);
  await world.ledger.begin('4000000000000000');
  expect((await world.runs.counts(run)).documents.unsettled).toBe(0);
  await queue.close();
  await world.ledger.drop();
  expect(await redis.dbsize()).toBe(0);
  redis.disconnect();
});
