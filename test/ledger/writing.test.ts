/** Schedules of writing one chunk: late workers, zombies, and what the sweeper finds. Each a test on a real Valkey. */
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { createWorld, type World } from './world.ts';

const own = ownRedis();
let world: World;

beforeEach(() => {
  world = createWorld(own.valkey.url, { redis: own.redis });
});

test('a late repeat does not touch the readable revision', async () => {
  await world.handIn('d', 'A');
  const late = world.jobs[0]!;
  await world.workAll();
  expect(await world.fence(late, 'w2')).toEqual({ answer: 'already-stored', older: false });
  expect(await world.mark(late, 'w2')).toBe('already-stored');
  const next = await world.handIn('d', 'B');
  expect((await world.fence(late, 'w2')).answer).toBe('already-stored');
  expect((await world.fence(world.jobs[0]!, 'w1')).older).toBe(true);
  await world.workAll();
  await world.settle();
  expect((await world.fence(late, 'w2')).answer).toBe('overtaken');
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect((await world.state('d'))?.wholeRevision).toBe(next.revision);
});

test('a worker stopped between fence and send, overtaken and settled meanwhile, deletes its own late rows', async () => {
  await world.handIn('d', 'A');
  const [stopped, other] = world.jobs.splice(0);
  await world.fence(stopped!, 'zombie');
  await world.work(other!);
  const newer = await world.handIn('d', 'B');
  await world.workAll();
  await world.settle();
  world.write(stopped!);
  expect(world.allRowsOf('d')).toHaveLength(3);
  expect(await world.mark(stopped!, 'zombie')).toBe('overtaken');
  expect(world.rowsOf('d', newer.revision)).toEqual([0, 1]);
  expect(world.allRowsOf('d')).toHaveLength(2);
});

test('a zombie that wrote and was killed before fence 2 leaves nothing after the sweeper', async () => {
  await world.ledger.workerBeat('zombie', { host: 'h', pid: 1, held: 1 });
  await world.handIn('d', 'A');
  const [stopped] = world.jobs.splice(0);
  await world.fence(stopped!, 'zombie');
  await world.handIn('d', 'B');
  await world.workAll();
  await world.settle();
  world.write(stopped!);
  expect(await world.sweep()).toBe(0); // its lock is not gone yet
  world.advance(61_000);
  expect(await world.sweep()).toBe(1);
  expect(world.allRowsOf('d')).toHaveLength(2);
  // A request that lands after its client died.
  world.write(stopped!);
  expect(await world.sweep()).toBe(0);
  world.advance(3_600_000);
  expect(await world.sweep()).toBe(1);
  expect(world.allRowsOf('d')).toHaveLength(2);
  world.advance(3_600_000);
  expect(await world.sweep()).toBe(0);
  expect((await world.ledger.counts()).writeIntents).toBe(0);
});

test('an intent of a lost worker is kept while its revision is wanted, and swept when it no longer is', async () => {
  const first = await world.handIn('d', 'A');
  const [lost] = world.jobs;
  await world.fence(lost!, 'zombie');
  await world.workAll('w2');
  world.advance(120_000);
  expect(await world.sweep()).toBe(0);
  expect(world.rowsOf('d', first.revision)).toEqual([0, 1]);
  await world.handIn('d', 'B');
  await world.workAll('w2');
  await world.settle();
  world.write(lost!);
  expect(await world.sweep()).toBe(1);
  expect(world.rowsOf('d', first.revision)).toEqual([]);
});
