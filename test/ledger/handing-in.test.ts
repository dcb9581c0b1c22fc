/** Schedules of handing in: who is accepted, under which revision, and what a dead producer leaves. Each a test on a real Valkey. */
import { chunkId, silentLogger } from '@sluice/core';
import { connectRedis, openLedger, openSubmissionQueue, type Redis } from '@sluice/queue';
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { CUT, createWorld, type Handed, hashOf, TOKENS, type World } from './world.ts';

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

test('a revision drawn for a submission that never came into the queue goes after two days; one that waits there stays', async () => {
  const waiting = openSubmissionQueue(redis, world.address.line);
  const reserve = async (id: string) => (await world.ledger.reserve([{ key: world.key(id), id, submission: id }]))[0]!;
  const orphan = await reserve('orphan');
  const enqueued = await reserve('enqueued');
  const begun = await reserve('begun');
  await waiting.enqueue([
    { key: world.key('enqueued'), revision: enqueued.revision, submission: { id: 'enqueued', text: 'A' } },
  ]);
  await world.handIn('begun', 'A', { revision: begun.revision, until: 'enqueued', producer: 'dying' });
  await world.work(world.jobs.shift()!);
  world.advance(86_400_000);
  expect(await world.ledger.abandonStale()).toEqual([]);
  world.advance(87_600_000);
  const given = (await world.ledger.abandonStale()).map(({ key }) => key);
  expect(given.toSorted()).toEqual([world.key('orphan'), world.key('begun')].toSorted());
  await world.settle();
  expect(await world.state('orphan')).toBeUndefined();
  expect(world.allRowsOf('begun')).toEqual([]);
  expect(await world.ledger.backlogTokens()).toBe(0);
  expect(await world.commit({ id: 'begun', revision: begun.revision } as Handed)).toBe('abandoned');
  // The same request again, after its idempotency key was forgotten, is accepted anew.
  await world.ledger.forgetOld();
  expect(await reserve('orphan')).toMatchObject({ again: false });
  expect(BigInt((await reserve('orphan')).revision)).toBeGreaterThan(BigInt(orphan.revision));
  expect(await world.handIn('enqueued', 'A', { revision: enqueued.revision })).toMatchObject({ committed: 'current' });
  await waiting.drop();
  await waiting.close();
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

test('a submission of what is stored already draws nothing, unless something else of the document is under way', async () => {
  const key = world.key('d');
  const submit = async (content: string, submission?: string) =>
    (await world.ledger.reserve([{ key, id: 'd', hash: hashOf(content), submission }]))[0]!;
  const first = await submit('A');
  expect(first).toMatchObject({ unchanged: false });
  await world.handIn('d', 'A', { revision: first.revision });
  // Not stored yet: whoever hands it in may have seen less of it than there is.
  const open = await submit('A');
  expect(open).toMatchObject({ unchanged: false });
  await world.handIn('d', 'A', { revision: open.revision });
  await world.workAll();
  await world.settle();

  const stored = (await world.state('d'))!.currentRevision!;
  expect(await submit('A', 'key')).toEqual({ revision: stored, again: false, conflict: false, unchanged: true });
  expect(await submit('A', 'key')).toEqual({ revision: stored, again: true, conflict: false, unchanged: false });
  expect(await submit('B', 'key')).toMatchObject({ conflict: true });
  expect(await world.state('d')).toMatchObject({ state: 'stored', reservedRevisions: [] });

  // A stored, B on its way, A again: three revisions, or B would stay.
  const other = await submit('B');
  const back = await submit('A');
  expect(back).toMatchObject({ unchanged: false });
  expect(BigInt(back.revision)).toBeGreaterThan(BigInt(other.revision));
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
  const connections = ['p1', 'p2'].map(() => connectRedis(own.valkey.url, { role: 'producer', logger: silentLogger }));
  const handIn = async (content: string, producer: number, turnsLater: number) => {
    for (let turn = 0; turn < turnsLater; turn += 1) await new Promise(setImmediate);
    const ledger = openLedger(connections[producer]!, world.address);
    const key = world.key('d');
    const beganAt = performance.now();
    const [prepared] = await ledger.prepare([
      { key, id: 'd', hash: hashOf(content), cut: CUT, chunkCount: 1, tokens: [TOKENS], producer: `p${producer}` },
    ]);
    other.enqueue({ id: 'd', content, n: 1, run: undefined, ...prepared! });
    const [answer] = await ledger.commit([{ key, revision: prepared!.revision }]);
    return { content, revision: prepared!.revision, answer: answer!, beganAt, acceptedAt: performance.now() };
  };
  const later = { first: 0, second: 0, inTurn: 0 };
  for (let round = 0; round < 1_000; round += 1) {
    // Sometimes one is a little later than the other, sometimes so much that it comes after it.
    const [a, b] = await Promise.all([
      handIn(`A${round}`, 0, round % 7),
      handIn(`B${round}`, 1, Math.floor(round / 7) % 7),
    ]);
    const last = BigInt(a.revision) > BigInt(b.revision) ? a : b;
    // Which one is the later is not the ledger's word alone: who began when the other was accepted already is.
    if (a.acceptedAt < b.beganAt) expect(last).toBe(b);
    if (b.acceptedAt < a.beganAt) expect(last).toBe(a);
    if (a.acceptedAt < b.beganAt || b.acceptedAt < a.beganAt) later.inTurn += 1;
    else later[last === a ? 'first' : 'second'] += 1;
    expect(last.answer).toBe('current');
    await Promise.all(other.jobs.splice(0).map((job, i) => other.work(job, `w${i}`)));
    await other.settle();
    const state = await other.state('d');
    expect(state).toMatchObject({ state: 'stored', hash: hashOf(last.content), currentRevision: last.revision });
    expect(other.allRowsOf('d')).toEqual([chunkId(world.key('d'), last.revision, 0)]);
  }
  for (const redis of connections) redis.disconnect();
  expect(Math.min(later.first, later.second)).toBeGreaterThan(0);
});
