/** Schedules of dead chunks: partial documents, retries, drops. Each a test on a real Valkey. */
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { CUT, createWorld, hashOf, TOKENS, type World } from './world.ts';

const own = ownRedis();
let world: World;

beforeEach(() => {
  world = createWorld(own.valkey.url, { redis: own.redis });
});

const compare = async (id: string, content: string, extra = {}) =>
  (await world.ledger.compare([{ key: world.key(id), hash: hashOf(content), cut: CUT, ...extra }]))[0]!;

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

test('twenty different documents in a row dead with one code are told; what is stored, or a person, ends the row', async () => {
  let document = 0;
  const dieAnew = async (count: number, chunks = 1) => {
    const answers: string[] = [];
    for (let i = 0; i < count; i += 1) {
      document += 1;
      await world.handIn(`d${document}`, 'A', { n: chunks });
      for (const job of world.jobs.splice(0)) answers.push(await world.die(job));
    }
    return answers;
  };
  expect(await dieAnew(1, 30)).toEqual(Array(30).fill('dead')); // one document, however many chunks
  expect(await dieAnew(18)).toEqual(Array(18).fill('dead'));
  await world.handIn('good', 'A', { n: 1 });
  await world.workAll();
  expect(await dieAnew(19)).toEqual(Array(19).fill('dead'));
  expect(await dieAnew(2)).toEqual(['dead-in-a-row', 'dead-in-a-row']);
  const letters = [];
  for await (const letter of world.ledger.deadLetters()) letters.push(letter);
  await world.ledger.retry(letters.slice(0, 1));
  expect(await dieAnew(1)).toEqual(['dead']);
});
