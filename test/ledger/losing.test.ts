/** Schedules in which data is lost: an epoch, a ledger, rows. Each a test on a real Valkey. */
import { openLedger, type Redis } from '@sluice/queue';
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { CUT, createWorld, hashOf, type World } from './world.ts';

const own = ownRedis();
let redis: Redis;
let world: World;

beforeEach(() => {
  redis = own.redis;
  world = createWorld(own.valkey.url, { redis: own.redis });
});

const compare = async (id: string, content: string, extra = {}) =>
  (await world.ledger.compare([{ key: world.key(id), hash: hashOf(content), cut: CUT, ...extra }]))[0]!;

test('a collection made anew under the same name: its epoch knows nothing of the old one, nothing is reported stored', async () => {
  const { revision } = await world.handIn('d', 'A');
  const job = world.jobs[0]!;
  await world.workAll();
  const anew = openLedger(redis, { ...world.address, epoch: 'e2' });
  expect(await anew.read([world.key('d')])).toEqual([undefined]);
  expect(await anew.compare([{ key: world.key('d'), hash: hashOf('A'), cut: CUT }])).toEqual([{ answer: 'new' }]);
  expect(await anew.fence([{ key: job.key, revision, ordinal: 0 }], 'w')).toEqual([
    { answer: 'unknown', older: false },
  ]);
  expect(await redis.keys('*e2*')).toEqual([]);
});

test('FLUSHALL with a write in flight never becomes a deletion: unknown, and no key is made', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  await world.handIn('d', 'B');
  const [first, second] = world.jobs;
  await world.fence(first!);
  world.write(first!);
  await redis.flushall();
  expect(await world.mark(first!)).toBe('unknown');
  expect((await world.fence(second!)).answer).toBe('unknown');
  expect(await redis.dbsize()).toBe(0);
  // The same when the new ledger has given revisions of its own already.
  await world.handIn('other', 'X');
  expect((await world.fence(second!)).answer).toBe('unknown');
  expect(await world.mark(first!)).toBe('unknown');
  expect(world.rows.size).toBe(3);
});

test('a ledger made again from the collection: what was whole is unchanged, and later revisions are higher', async () => {
  const stored = await world.handIn('d', 'A');
  await world.workAll();
  await redis.flushall();
  expect((await compare('d', 'A')).answer).toBe('new');
  const adopt = (revision: string) =>
    world.ledger.adopt([{ key: world.key('d'), revision, hash: hashOf('A'), cut: CUT, chunkCount: 2, source: 1 }]);
  expect(await adopt(stored.revision)).toEqual([true]);
  expect(await adopt(stored.revision)).toEqual([false]);
  expect((await compare('d', 'A', { source: 1, run: 1 })).answer).toBe('unchanged');
  world.advance(-3_600_000);
  const next = await world.handIn('d', 'B');
  expect(BigInt(next.revision)).toBeGreaterThan(BigInt(stored.revision));
  expect(await adopt(String(BigInt(next.revision) + 1n))).toEqual([false]); // work is under way
  await world.workAll();
  await world.settle();
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect(world.rowsOf('d', next.revision)).toEqual([0, 1]);
});

test('a stored document whose rows turn out to be missing is embedded again when it is handed in again', async () => {
  const { revision } = await world.handIn('d', 'A');
  await world.workAll();
  world.rows.clear();
  const item = { key: world.key('d'), revision };
  expect(await world.ledger.distrust([item])).toEqual([true]);
  expect((await compare('d', 'A')).answer).toBe('changed');
  await world.handIn('d', 'A');
  await world.workAll();
  await world.settle();
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect((await compare('d', 'A')).answer).toBe('unchanged');
  expect(await world.ledger.distrust([item])).toEqual([false]);
});

test('a command that waited for a Redis which came back empty begins nothing anew', async () => {
  const { ledger } = world;
  await ledger.begin();
  ledger.holdTo((await ledger.births()) as string[]);
  await world.handIn('d', 'A');
  await world.workAll();
  const item = { key: world.key('d'), id: 'd' };
  const drawing = [
    () => world.handIn('d', 'B'),
    () => ledger.reserve([item]),
    () => ledger.remove([item]),
    () => ledger.dropRevision([{ ...item, revision: '1' }]),
  ];
  await redis.flushall();
  for (const draw of drawing) {
    await expect(draw()).rejects.toMatchObject({ code: 'ledger_lost', verdict: 'stop' });
  }
  expect(await redis.dbsize()).toBe(0);
  // The same when somebody else has begun another ledger.
  await openLedger(redis, world.address).begin();
  const keys = await redis.keys('*');
  for (const draw of drawing) await expect(draw()).rejects.toMatchObject({ code: 'ledger_lost' });
  expect(await redis.keys('*')).toEqual(keys);
});
