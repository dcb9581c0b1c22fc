/** Schedules of settling and deleting: what readers have is never deleted before the newer content is whole. Each a test on a real Valkey. */
import type { Redis } from '@sluice/queue';
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

test('the job that marks the last chunk dies before it deletes: the settling set carries the document', async () => {
  const old = await world.handIn('d', 'A', { n: 5 });
  await world.workAll();
  const now = await world.handIn('d', 'B', { n: 2 });
  await world.workAll();
  expect(world.rowsOf('d', old.revision)).toHaveLength(5);
  expect(await world.ledger.takeSettling(10)).toHaveLength(1); // whoever took it dies as well
  expect(await world.ledger.takeSettling(10)).toEqual([]);
  world.advance(31_000);
  await world.settle();
  expect(world.rowsOf('d', old.revision)).toEqual([]);
  expect(world.rowsOf('d', now.revision)).toEqual([0, 1]);
  expect(await world.state('d')).toMatchObject({ state: 'stored', settling: false });
});

test('a first revision settles without a deletion', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  expect(await world.ledger.takeSettling(10)).toEqual([]);
  expect(await world.ledger.takeCleaning(10)).toEqual([]);
  expect(await world.state('d')).toMatchObject({ state: 'stored' });
});

test('a third revision is committed while the second settles: what readers have is never deleted before the third is whole', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  const second = await world.handIn('d', 'B');
  await world.workAll();
  const [taken] = await world.ledger.takeSettling(1);
  for (const row of world.rows)
    if (row < `${taken!.key}${BigInt(taken!.revision).toString(16).padStart(13, '0')}`) world.rows.delete(row);
  const third = await world.handIn('d', 'C');
  expect(await world.ledger.settled([taken!])).toEqual([false]);
  await world.settle();
  expect((await world.state('d'))?.wholeRevision).toBe(second.revision);
  expect(world.rowsOf('d', second.revision)).toEqual([0, 1]);
  await world.workAll();
  await world.settle();
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect(world.rowsOf('d', third.revision)).toEqual([0, 1]);
});

test('a newer revision is prepared while the current one settles: its rows stay', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  await world.handIn('d', 'B');
  const later = await world.handIn('d', 'C', { until: 'enqueued', producer: 'p2' });
  await world.workAll();
  await world.settle();
  expect(world.rowsOf('d', later.revision)).toEqual([0, 1]);
  expect(await world.commit(later)).toBe('current');
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('C') });
  expect(world.allRowsOf('d')).toHaveLength(2);
});

test('a delete while the same id is being embedded leaves no row', async () => {
  await world.handIn('d', 'A', { n: 3 });
  const [written, fenced, waiting] = world.jobs.splice(0);
  await world.work(written!);
  await world.fence(fenced!);
  expect(await world.ledger.remove([{ key: world.key('d') }])).toMatchObject([{ answer: 'deleted' }]);
  world.write(fenced!);
  expect(await world.mark(fenced!)).toBe('overtaken');
  expect(await world.work(waiting!)).toBe('overtaken');
  await world.settle();
  expect(world.allRowsOf('d')).toEqual([]);
  expect(await world.state('d')).toMatchObject({ state: 'deleted' });
  expect((await world.state('d'))?.wholeRevision).toBeUndefined();
  expect(await compare('d', 'A')).toEqual({ answer: 'changed' });
  expect(await world.ledger.backlogTokens()).toBe(0);
});

test('deleted content goes although newer content comes before the deletion and stays partial', async () => {
  const gone = await world.handIn('d', 'A');
  await world.workAll();
  await world.ledger.remove([{ key: world.key('d') }]);
  await world.handIn('d', 'B', { n: 1 });
  await world.die(world.jobs.pop()!);
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'partial' });
  expect(world.rowsOf('d', gone.revision)).toEqual([]);
});

test('an id that nobody knows is not given a tombstone', async () => {
  expect(await world.ledger.remove([{ key: world.key('typo') }])).toEqual([{ answer: 'unknown' }]);
  expect(await redis.dbsize()).toBe(0);
});

test('deletions are remembered for a quarter of an hour in which Milvus is up, and so is when they were last repeated', async () => {
  const { ledger } = world;
  const spans = [
    { from: 'da', to: 'db' },
    { from: 'dc', to: 'dcg' },
  ];
  expect(await ledger.deletionsRepeatedAgo()).toBeUndefined();
  await ledger.noteDeletions(spans);
  world.advance(600_000);
  await ledger.noteDeletions([{ from: 'de', to: 'df' }]);
  expect(await ledger.lateDeletions()).toEqual([...spans, { from: 'de', to: 'df' }]);
  world.advance(301_000);
  // Milvus is away, and was up for less than that since.
  await ledger.keepDeletions();
  await ledger.forgetDeletions();
  world.advance(899_000);
  await ledger.forgetDeletions();
  expect(await ledger.lateDeletions()).toEqual([...spans, { from: 'de', to: 'df' }]);
  await ledger.noteDeletions([{ from: 'de', to: 'df' }]);
  world.advance(2_000);
  await ledger.forgetDeletions();
  expect(await ledger.lateDeletions()).toEqual([{ from: 'de', to: 'df' }]);
  await ledger.deletionsRepeated(2_000);
  world.advance(10_000);
  expect(Math.round((await ledger.deletionsRepeatedAgo())! / 1_000)).toBe(12);
  await ledger.noteDeletions([]);
  world.advance(900_000);
  await ledger.noteDeletions([{ from: 'dg', to: 'dh' }]);
  await ledger.forgetDeletions();
  expect(await redis.zcard('{sluice:test:e1:0}:deleted')).toBe(1);
});
