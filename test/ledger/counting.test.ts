/** What must be exact whatever is repeated: counts, backlog, revisions, what a run has seen. Each a test on a real Valkey. */
import { revisionFromHex } from '@sluice/core';
import type { Redis } from '@sluice/queue';
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { CUT, createWorld, hashOf, TOKENS, type World } from './world.ts';

const own = ownRedis();
let redis: Redis;
let world: World;

beforeEach(() => {
  redis = own.redis;
  world = createWorld(own.valkey.url, { redis: own.redis });
});

const compare = async (id: string, content: string, extra = {}) =>
  (await world.ledger.compare([{ key: world.key(id), hash: hashOf(content), cut: CUT, ...extra }]))[0]!;

test('every verb may be repeated: counts and backlog stay exact', async () => {
  const handed = await world.handIn('d', 'A', { run: 1, until: 'enqueued' });
  const [first, second] = world.jobs.splice(0);
  expect(await world.ledger.backlogTokens()).toBe(2 * TOKENS);
  await world.work(first!);
  await world.mark(first!);
  expect([await world.commit(handed), await world.commit(handed)]).toEqual(['current', 'current']);
  await world.fence(second!);
  expect([await world.mark(second!), await world.mark(second!)]).toEqual(['stored', 'already-stored']);
  expect(await world.commit(handed)).toBe('current');
  expect(await world.ledger.backlogTokens()).toBe(0);
  expect(await world.runs.counts(1)).toMatchObject({
    documents: { accepted: 1, stored: 1, unsettled: 0 },
    chunks: { accepted: 2, stored: 2, dead: 0 },
  });
});

test('pruning finds what a run did not see, and nothing else', async () => {
  for (const id of ['a', 'b', 'c']) await world.handIn(id, id, { run: 1, source: 1 });
  await world.handIn('elsewhere', 'x', { run: 1, source: 2 });
  await world.workAll();
  await compare('a', 'a', { run: 2, source: 1 });
  await compare('b', 'changed', { run: 2, source: 1 });
  const pages = [];
  for await (const page of world.ledger.scanSource({ source: 1, notSeenBy: 2 })) pages.push(page);
  expect(pages).toEqual([{ gone: [world.key('c')], total: 3 }]);
});

test('of two runs that read one source at a time neither prunes what the other one saw later', async () => {
  const gone = async (run: number) => {
    const keys = [];
    for await (const page of world.ledger.scanSource({ source: 1, notSeenBy: run })) keys.push(...page.gone);
    return keys;
  };
  const content: Record<string, string> = { both: 'A', open: 'A', resumed: 'A', renewed: 'A', nobody: 'A' };
  for (const id of Object.keys(content)) await world.handIn(id, 'A', { run: 1, source: 1 });
  await world.workAll();
  content.open = 'B';
  const open = await world.handIn('open', 'B', { run: 2, source: 1 });
  content.resumed = 'B';
  await world.handIn('resumed', 'B', { run: 2, source: 1 });
  const renewed = await world.handIn('renewed', 'B', { run: 2, source: 1, until: 'enqueued' });
  // The later one reads all of them but one, the earlier one comes after it.
  for (const id of ['both', 'open', 'resumed', 'renewed']) await compare(id, content[id]!, { run: 3, source: 1 });
  for (const id of ['both', 'open']) await compare(id, content[id]!, { run: 2, source: 1 });
  expect(await world.commit(open)).toBe('current');
  await world.handIn('resumed', 'B', { run: 2, source: 1 });
  expect(await world.commit(renewed)).toBe('current');
  expect(await gone(3)).toEqual([world.key('nobody')]);
  expect(await gone(2)).toEqual([world.key('nobody')]);
  expect((await gone(4)).length).toBe(5);
});

test('a Redis clock that goes back gives no revision twice', async () => {
  const first = await world.handIn('d', 'A');
  world.advance(-3_600_000);
  const second = await world.handIn('d', 'B');
  expect(BigInt(second.revision)).toBeGreaterThan(BigInt(first.revision));
  const lastPossible = revisionFromHex('fffffffffffff');
  await world.ledger.begin(String(BigInt(lastPossible) / 2n));
  const third = await world.handIn('d', 'C');
  expect(BigInt(third.revision)).toBe(BigInt(lastPossible) / 2n + 1n);
});

test('a full Redis drains: workers may mark and settle although producers are refused', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  await world.handIn('d', 'B');
  await redis.config('SET', 'maxmemory', '1mb');
  try {
    await expect(world.handIn('e', 'E')).rejects.toMatchObject({ code: 'queue_busy', verdict: 'retry' });
    await world.workAll();
    await world.settle();
    expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('B') });
  } finally {
    await redis.config('SET', 'maxmemory', '256mb');
  }
});

test('several shards answer a mixed batch in the order it was asked', async () => {
  const sharded = createWorld(own.valkey.url, { redis, shards: 4, line: 'sharded' });
  const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
  for (const id of ids) await sharded.handIn(id, id, { n: 1 });
  await sharded.workAll();
  const states = await sharded.ledger.read(ids.map((id) => sharded.key(id)));
  expect(states.map((state) => state?.hash)).toEqual(ids.map(hashOf));
  expect((await sharded.ledger.counts()).stored).toBe(40);
});
