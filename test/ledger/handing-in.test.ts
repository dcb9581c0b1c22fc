/** Schedules of handing in: who is accepted, under which revision, and what a dead producer leaves. Each a test on a real Valkey. */
import { openLedger, type Redis } from '@sluice/queue';
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

test('A stored, B open, A again: three revisions, and A is what remains', async () => {
  const first = await world.handIn('d', 'A');
  await world.workAll();
  const second = await world.handIn('d', 'B');
  await world.work(world.jobs.shift()!);
  expect(await compare('d', 'A')).toMatchObject({ answer: 'changed', wholeRevision: first.revision });
  const third = await world.handIn('d', 'A');
  await world.workAll();
  await world.settle();
  expect(new Set([first.revision, second.revision, third.revision]).size).toBe(3);
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('A'), currentRevision: third.revision });
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect(world.rowsOf('d', third.revision)).toEqual([0, 1]);
});

test('a producer that dies between admission and enqueue supersedes nothing: accepted work completes', async () => {
  const accepted = await world.handIn('d', 'A');
  const lost = await world.handIn('d', 'B', { until: 'prepared', producer: 'dying' });
  world.enqueue(lost, 1);
  await world.workAll();
  expect(await world.state('d')).toMatchObject({ state: 'stored', currentRevision: accepted.revision });
  expect(world.rowsOf('d', accepted.revision)).toEqual([0, 1]);
  world.advance(601_000);
  expect(await world.ledger.abandonStale()).toEqual([
    { key: world.key('d'), revision: lost.revision, chunkCount: 2, generation: 0 },
  ]);
  await world.settle();
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect(await world.ledger.backlogTokens()).toBe(0);
  expect(await world.commit(lost)).toBe('abandoned');
});

test('a producer that waits for back-pressure and beats is not abandoned', async () => {
  const slow = await world.handIn('d', 'A', { until: 'prepared' });
  for (let minute = 0; minute < 15; minute += 1) {
    world.advance(60_000);
    await world.ledger.beat('p1');
    expect(await world.ledger.abandonStale()).toEqual([]);
  }
  world.enqueue(slow);
  expect(await world.commit(slow)).toBe('current');
});

test('content that a dead producer prepared is taken up under the same revision, without the chunks already stored', async () => {
  const lost = await world.handIn('d', 'A', { n: 3, until: 'enqueued', producer: 'dying' });
  await world.work(world.jobs.shift()!);
  world.jobs.length = 0;
  const meanwhile = await world.handIn('d', 'A', { n: 3, until: 'prepared', producer: 'p2' });
  expect(meanwhile.revision).not.toBe(lost.revision);
  await world.ledger.leave('p2');
  await world.ledger.leave('dying');
  world.advance(1_000);
  const again = await world.handIn('d', 'A', { n: 3, producer: 'p3' });
  expect([meanwhile.revision, lost.revision]).toContain(again.revision);
  await world.workAll();
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', currentRevision: again.revision });
  expect(world.allRowsOf('d')).toHaveLength(3);
});

test('two chunkers finish their submissions in the wrong order: the one accepted last wins', async () => {
  const key = world.key('d');
  const [t1] = await world.ledger.reserve([{ key, id: 'd', submission: 's1' }]);
  const [t2] = await world.ledger.reserve([{ key, id: 'd', submission: 's2' }]);
  expect(await world.ledger.reserve([{ key, id: 'd', submission: 's1' }])).toEqual([{ ...t1, again: true }]);
  const second = await world.handIn('d', 'T2', { revision: t2!.revision });
  const first = await world.handIn('d', 'T1', { revision: t1!.revision });
  expect(second.committed).toBe('current');
  expect(first).toMatchObject({ revision: t1!.revision, missing: [], overtaken: true });
  await world.workAll();
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('T2') });
});

test('submissions of producers that cannot ask are ordered by the time at which their jobs were made', async () => {
  await world.handIn('before', 'x');
  const key = world.key('d');
  const made = (ms: number) => 1_800_000_000_000 + ms;
  world.advance(60_000);
  const [late] = await world.ledger.reserve([{ key, id: 'd', madeAtMs: made(20_000) }]);
  const [early] = await world.ledger.reserve([{ key, id: 'd', madeAtMs: made(10_000) }]);
  expect(BigInt(early!.revision)).toBeLessThan(BigInt(late!.revision));
  expect((await world.handIn('d', 'late', { revision: late!.revision })).committed).toBe('current');
  expect(await world.handIn('d', 'early', { revision: early!.revision })).toMatchObject({ overtaken: true });
  const [after] = await world.ledger.reserve([{ key, id: 'd', madeAtMs: made(5_000) }]);
  expect(await world.handIn('d', 'earliest', { revision: after!.revision })).toMatchObject({ overtaken: true });
  await world.workAll();
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('late') });
});

test('a submission that comes twice, because its chunker died, is done once; one that was overtaken stays so', async () => {
  const key = world.key('d');
  const [booked] = await world.ledger.reserve([{ key, id: 'd' }]);
  const first = await world.handIn('d', 'A', { revision: booked!.revision, until: 'enqueued', producer: 'dying' });
  await world.work(world.jobs.shift()!);
  world.advance(3_600_000);
  expect(await world.ledger.abandonStale()).toEqual([]); // it comes back by itself
  const again = await world.handIn('d', 'A', { revision: booked!.revision, producer: 'p2' });
  expect(again).toMatchObject({ revision: first.revision, missing: [1], committed: 'current' });
  expect(await world.handIn('d', 'A', { revision: booked!.revision })).toMatchObject({ committed: 'current' });
  await world.workAll();

  const [overtaken] = await world.ledger.reserve([{ key, id: 'd' }]);
  await world.handIn('d', 'B', { revision: overtaken!.revision, until: 'enqueued', producer: 'dying' });
  const bad = await world.handIn('d', 'C', { n: 1 });
  await world.die(world.jobs.pop()!);
  await world.ledger.dropRevision([{ key, revision: bad.revision }]);
  for (let times = 0; times < 2; times += 1) {
    expect(await world.handIn('d', 'B', { revision: overtaken!.revision })).toMatchObject({ overtaken: true });
  }
  await world.workAll();
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('A') });
  expect(world.allRowsOf('d')).toHaveLength(2);
});

test('handed in again after a later revision was accepted, content that a dead producer had prepared before is new work', async () => {
  await world.handIn('d', 'A', { until: 'enqueued', producer: 'dying' });
  await world.handIn('d', 'B');
  world.advance(31_000);
  expect((await world.handIn('d', 'A')).committed).toBe('current');
  await world.workAll();
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', hash: hashOf('A') });
  expect(world.allRowsOf('d')).toHaveLength(2);
});

test('a delete that was accepted after a submission wins over it, although nothing of it was chunked yet', async () => {
  const key = world.key('d');
  const [early] = await world.ledger.reserve([{ key, id: 'd' }]);
  expect(await world.ledger.remove([{ key }])).toMatchObject([{ answer: 'deleted' }]);
  const handed = await world.handIn('d', 'T1', { revision: early!.revision });
  expect(handed.overtaken).toBe(true);
  await world.workAll();
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'deleted' });
  expect(world.allRowsOf('d')).toEqual([]);
});

test('rows of an abandoned revision go although the next one settles without a deletion', async () => {
  const lost = await world.handIn('d', 'A', { until: 'enqueued', producer: 'dying' });
  await world.workAll();
  world.advance(601_000);
  await world.ledger.reserve([{ key: world.key('d'), id: 'd' }]);
  expect(await world.ledger.abandonStale()).toHaveLength(1);
  const next = await world.handIn('d', 'B', { producer: 'p2' });
  await world.workAll();
  await world.settle();
  expect(world.rowsOf('d', lost.revision)).toEqual([]);
  expect(world.rowsOf('d', next.revision)).toEqual([0, 1]);
});

test('content that is open is resumed under its revision, only for what is not stored, and the new run answers for it', async () => {
  const first = await world.handIn('d', 'A', { n: 4, run: 1 });
  await world.work(world.jobs.shift()!);
  world.jobs.length = 0; // the rest of the queue is lost
  expect(await compare('d', 'A', { run: 2 })).toEqual({ answer: 'resume', revision: first.revision, chunkCount: 4 });
  const again = await world.handIn('d', 'A', { n: 4, run: 2, producer: 'p2' });
  expect(again).toMatchObject({ revision: first.revision, missing: [1, 2, 3], committed: 'current' });
  await world.workAll();
  expect(await world.state('d')).toMatchObject({ state: 'stored' });
  expect((await world.runs.counts(1)).documents).toMatchObject({ accepted: 0, stored: 0, unsettled: 0 });
  expect((await world.runs.counts(1)).chunks).toMatchObject({ accepted: 1, stored: 1 });
  expect((await world.runs.counts(2)).documents).toMatchObject({ accepted: 1, stored: 1, unsettled: 0 });
  expect((await world.runs.counts(2)).chunks).toMatchObject({ accepted: 3, stored: 3 });
});

test('another cut of the same content counts only with recut', async () => {
  await world.handIn('d', 'A');
  await world.workAll();
  expect((await compare('d', 'A', { cut: 'cut00002' })).answer).toBe('unchanged');
  expect((await compare('d', 'A', { cut: 'cut00002', recut: true })).answer).toBe('changed');
});

test('an id that comes twice in one run is told from a call that is repeated because its reply was lost', async () => {
  await world.handIn('d', 'A', { run: 1 });
  await world.workAll();
  expect((await compare('d', 'B', { run: 2 })).answer).toBe('changed');
  expect((await compare('d', 'B', { run: 2 })).answer).toBe('changed'); // the repeated call
  await world.handIn('d', 'B', { run: 2 });
  expect((await compare('d', 'B', { run: 2 })).answer).toBe('repeated');
  expect((await compare('d', 'C', { run: 2 })).answer).toBe('duplicate');
  await world.workAll();
  await world.settle();
  expect((await compare('d', 'B', { run: 3 })).answer).toBe('unchanged');
  expect((await compare('d', 'C', { run: 3 })).answer).toBe('duplicate');
});

test('two producers hand in different texts of one document at the same moment, 1,000 times: one revision remains, the later', async () => {
  const other = createWorld(own.valkey.url, { redis });
  const mine = openLedger(redis, world.address);
  const handIn = async (content: string, producer: string) => {
    const key = world.key('d');
    const [prepared] = await mine.prepare([
      { key, id: 'd', hash: hashOf(content), cut: CUT, chunkCount: 1, tokens: [TOKENS], producer },
    ]);
    other.enqueue({ id: 'd', content, n: 1, run: undefined, ...prepared! });
    const [answer] = await mine.commit([{ key, revision: prepared!.revision }]);
    return { content, revision: prepared!.revision, answer: answer! };
  };
  for (let round = 0; round < 1_000; round += 1) {
    const [a, b] = await Promise.all([handIn(`A${round}`, 'p1'), handIn(`B${round}`, 'p2')]);
    const later = BigInt(a.revision) > BigInt(b.revision) ? a : b;
    expect(later.answer).toBe('current');
    await Promise.all(other.jobs.splice(0).map((job, i) => other.work(job, `w${i}`)));
    await other.settle();
    const state = await other.state('d');
    expect(state).toMatchObject({ state: 'stored', hash: hashOf(later.content), currentRevision: later.revision });
    expect(other.allRowsOf('d')).toHaveLength(1);
  }
});
