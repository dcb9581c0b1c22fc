/** Each schedule that breaks a simpler protocol, as one test on a real Valkey. What a user would lose is in the title. */
import { revisionFromHex, silentLogger } from '@sluice/core';
import { connectRedis, openLedger, type Redis } from '@sluice/queue';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { CUT, createWorld, hashOf, TOKENS, type World } from './world.ts';

let valkey: TestValkey;
let redis: Redis;
let world: World;

beforeAll(async () => {
  valkey = await startValkey();
  redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
});
afterAll(async () => {
  redis.disconnect();
  await valkey.stop();
});
beforeEach(async () => {
  await redis.flushall();
  world = createWorld(valkey.url, { redis });
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

test('no hole: the older revision stays whole until the newer one is, and while the newer one is partial', async () => {
  const old = await world.handIn('d', 'A');
  await world.workAll();
  const newer = await world.handIn('d', 'B', { run: 7 });
  const [good, bad] = world.jobs.splice(0);
  await world.work(good!);
  expect(await world.die(bad!)).toBe('dead');
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'partial', wholeRevision: old.revision, stored: 1, dead: 1 });
  expect(world.rowsOf('d', old.revision)).toEqual([0, 1]);
  expect(await world.ledger.backlogTokens()).toBe(0);
  const letters = [];
  for await (const letter of world.ledger.deadLetters({ run: 7 })) letters.push(letter);
  expect(letters).toMatchObject([{ documentId: 'd', ordinal: 1, code: 'text_refused', run: 'r7' }]);
  expect(JSON.stringify(letters)).not.toContain('"text"');

  const [retry] = await world.ledger.retry([bad!]);
  expect(retry?.job).toMatchObject({ generation: 1, ordinal: 1, text: 'B' });
  expect(await world.ledger.backlogTokens()).toBe(TOKENS);
  await world.work(retry!.job!);
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', currentRevision: newer.revision });
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect(await world.ledger.counts()).toMatchObject({ deadLetters: 0, deadLetterBytes: 0, partial: 0, stored: 1 });
  expect((await world.runs.counts(7)).documents).toMatchObject({ accepted: 1, stored: 1, partial: 0, unsettled: 0 });
  expect((await world.runs.counts(7)).chunks).toEqual({ accepted: 2, stored: 2, reused: 0, dead: 0 });
});

test('a retry that crashes before its jobs are in can be made again', async () => {
  await world.handIn('d', 'A', { n: 1 });
  const job = world.jobs.pop()!;
  await world.die(job);
  await world.ledger.retry([job]);
  const [again] = await world.ledger.retry([job]);
  expect(again?.job).toMatchObject({ generation: 1 });
  await world.work(again!.job!);
  expect(await world.state('d')).toMatchObject({ state: 'stored' });
  expect((await world.ledger.retry([job]))[0]?.job).toBeUndefined();
});

test('dropping a partial revision gives readers the older one back, and the same text counts as changed', async () => {
  const old = await world.handIn('d', 'A');
  await world.workAll();
  const bad = await world.handIn('d', 'B');
  const [good, dead] = world.jobs.splice(0);
  await world.work(good!);
  await world.die(dead!);
  expect(await world.ledger.dropRevision([{ key: world.key('d'), revision: bad.revision }])).toEqual([
    { answer: 'restored', revision: old.revision },
  ]);
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'stored', currentRevision: old.revision });
  expect(world.allRowsOf('d')).toHaveLength(2);
  expect((await compare('d', 'B')).answer).toBe('changed');
  expect((await compare('d', 'A')).answer).toBe('unchanged');
  expect((await world.fence(good!)).answer).toBe('overtaken');
});

test('dropping a first revision that is partial deletes the document', async () => {
  const bad = await world.handIn('d', 'A');
  const [good, dead] = world.jobs.splice(0);
  await world.work(good!);
  await world.die(dead!);
  expect(await world.ledger.dropRevision([{ key: world.key('d'), revision: bad.revision }])).toMatchObject([
    { answer: 'deleted' },
  ]);
  await world.settle();
  expect(await world.state('d')).toMatchObject({ state: 'deleted' });
  expect(world.allRowsOf('d')).toEqual([]);
  expect((await world.ledger.counts()).deadLetters).toBe(0);
});

test('a newer revision turns older dead letters into superseded work', async () => {
  await world.handIn('d', 'A', { n: 2, run: 1 });
  const [good, bad] = world.jobs.splice(0);
  await world.work(good!);
  await world.die(bad!);
  await world.handIn('d', 'B', { n: 2, run: 2 });
  expect((await world.ledger.counts()).deadLetters).toBe(0);
  expect((await world.runs.counts(1)).documents).toMatchObject({
    accepted: 1,
    superseded: 1,
    partial: 0,
    unsettled: 0,
  });
  await world.workAll();
  await world.settle();
  expect(world.allRowsOf('d')).toHaveLength(2);
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

test('partial content handed in again waits anew for its dead chunks alone', async () => {
  await world.handIn('d', 'A', { n: 3, run: 1 });
  const [a, b, dead] = world.jobs.splice(0);
  await world.work(a!);
  await world.work(b!);
  await world.die(dead!);
  const again = await world.handIn('d', 'A', { n: 3, run: 2 });
  expect(again).toMatchObject({ missing: [2], generation: 1 });
  await world.workAll();
  expect(await world.state('d')).toMatchObject({ state: 'stored' });
  expect((await world.runs.counts(2)).documents).toMatchObject({ accepted: 1, stored: 1, unsettled: 0 });
  expect((await world.ledger.counts()).deadLetters).toBe(0);
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

test('a Redis clock that goes back gives no revision twice', async () => {
  const first = await world.handIn('d', 'A');
  world.advance(-3_600_000);
  const second = await world.handIn('d', 'B');
  expect(BigInt(second.revision)).toBeGreaterThan(BigInt(first.revision));
  const lastPossible = revisionFromHex('fffffffffffff');
  await world.ledger.raiseFloor(String(BigInt(lastPossible) / 2n));
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
  const sharded = createWorld(valkey.url, { redis, shards: 4, line: 'sharded' });
  const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
  for (const id of ids) await sharded.handIn(id, id, { n: 1 });
  await sharded.workAll();
  const states = await sharded.ledger.read(ids.map((id) => sharded.key(id)));
  expect(states.map((state) => state?.hash)).toEqual(ids.map(hashOf));
  expect((await sharded.ledger.counts()).stored).toBe(40);
});

test('two producers hand in different texts of one document at the same moment, 1,000 times: one revision remains, the later', async () => {
  const other = createWorld(valkey.url, { redis });
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
