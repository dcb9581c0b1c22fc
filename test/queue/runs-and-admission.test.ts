/** Runs, sources, back-pressure, presence and poison on a real Valkey. */
import { openAdmission, openChunkQueue, openRuns, openSources, type Redis, shardTag } from '@sluice/queue';
import { Queue } from 'bullmq';
import { beforeEach, expect, test } from 'vitest';
import { createWorld, TOKENS, type World } from '../ledger/world.ts';
import { ownRedis } from '../support/own-redis.ts';

const own = ownRedis();
let redis: Redis;
let world: World;
const MEMORY = 256 * 1_048_576;

beforeEach(async () => {
  redis = own.redis;
  await redis.config('SET', 'maxmemory', String(MEMORY));
  world = createWorld(own.valkey.url, { redis, line: 'main' });
});

test('a source remembers its root; the same name for another folder is refused with the fix', async () => {
  const sources = openSources(redis, 'main');
  expect(await sources.claim('docs', '/a/docs')).toBe(1);
  expect(await sources.claim('notes', '/a/notes with space')).toBe(2);
  expect(await sources.claim('docs', '/a/docs')).toBe(1);
  await expect(sources.claim('docs', '/b/docs')).rejects.toMatchObject({
    code: 'source_root_changed',
    expected: '/a/docs',
    got: '/b/docs',
  });
  expect(await sources.numberOf('notes')).toBe(2);
  expect(await sources.numberOf('none')).toBeUndefined();
  expect(await sources.list()).toEqual([
    { number: 1, name: 'docs', root: '/a/docs' },
    { number: 2, name: 'notes', root: '/a/notes with space' },
  ]);
});

test('a run keeps what was read, rejected and decided, and its counts add up over shards', async () => {
  const sharded = createWorld(own.valkey.url, { redis, line: 'main', shards: 3 });
  const { runs } = sharded;
  const run = await runs.start({ inputs: ['docs/'], sources: ['docs'] });
  expect(run).toEqual({ id: 'r1', number: 1 });
  for (let i = 0; i < 12; i += 1) await sharded.handIn(`d${i}`, 'x', { run: 1, n: 2 });
  await runs.add('r1', { read: 14, unchanged: 1, acceptedTokens: 24 * TOKENS });
  await runs.reject('r1', [
    { skipped: true, where: 'a.bin', code: 'unsupported_type', message: 'm', fix: 'f' },
    { skipped: false, where: 'b.txt', code: 'invalid_utf8', message: 'm', fix: 'f' },
  ]);
  await sharded.workAll();
  await sharded.ledger.countRequests([{ rows: [{ run: 'r1', tokens: 30 }, { tokens: 10 }], paddedTokens: 60 }]);
  await runs.setCursor(1, 'at line 7');
  await runs.finish('r1', { exitCode: 3 });
  const record = await runs.read('r1');
  expect(record).toMatchObject({
    id: 'r1',
    inputs: ['docs/'],
    sources: ['docs'],
    cursor: 'at line 7',
    summary: { exitCode: 3 },
    documents: { read: 14, unchanged: 1, skipped: 1, accepted: 12, stored: 12, rejected: 1, unsettled: 0 },
    chunks: { accepted: 24, stored: 24, reused: 0, dead: 0 },
    tokens: { accepted: 240, stored: 240, useful: 30, padded: 45 },
    engineRequests: 1,
    rejectedByCode: { invalid_utf8: 1 },
  });
  expect((await runs.rejected('r1')).map(({ where, skipped }) => [where, skipped])).toEqual([
    ['a.bin', true],
    ['b.txt', false],
  ]);
  expect((await runs.list()).map(({ id }) => id)).toEqual(['r1']);
  await expect(runs.read('r2')).rejects.toMatchObject({ code: 'unknown_run' });
  await expect(runs.read('nonsense')).rejects.toMatchObject({ code: 'unknown_run' });
});

test('only the latest hundred runs are kept, and nothing of older ones', async () => {
  const runs = openRuns(redis, world.address);
  for (let i = 1; i <= 105; i += 1) {
    await runs.start({ inputs: [], sources: [] });
    await runs.add(i, { read: 1 });
    await runs.reject(i, { skipped: true, where: 'x', code: 'empty_document', message: 'm', fix: 'f' });
  }
  expect((await runs.list(200)).length).toBe(100);
  expect((await redis.keys('*:run:*')).length).toBe(200);
  expect(await redis.hlen('{sluice:main:e1:0}:counts')).toBe(200);
});

test('a job counts for 64 tokens at least: notes of a few words cannot fill Redis below the mark', async () => {
  const address = { ...world.address, line: `${world.address.line}-notes` };
  const queue = new Queue('chunks', { connection: redis, prefix: shardTag(address, 0) });
  await queue.addBulk(Array.from({ length: 20 }, (_, i) => ({ name: 'chunk', data: {}, opts: { priority: i + 1 } })));
  const admission = openAdmission(redis, address, { backlogTokens: 1_000 });
  expect(await admission.state()).toMatchObject({ reason: 'backlog', backlogTokens: 1_280 });
  await queue.close();
});

test('producers wait while the backlog is above its mark, hear why, and go on when workers have made room', async () => {
  const naps: number[] = [];
  const clock = {
    now: () => 0,
    monotonicMs: () => performance.now() * 1_000,
    sleep: async (ms: number) => {
      naps.push(ms);
      await world.work(world.jobs.shift()!);
    },
  };
  const admission = openAdmission(redis, world.address, { backlogTokens: 10 * TOKENS, clock });
  await admission.wait();
  await world.handIn('d', 'A', { n: 13 });
  const reasons: string[] = [];
  await admission.wait(undefined, (reason) => reasons.push(reason));
  // Down to nine tenths of the mark: 13 → 9 chunks.
  expect(naps).toHaveLength(4);
  expect(reasons).toEqual(['the backlog has 130 tokens, its mark is 100']);
  expect(await world.ledger.backlogTokens()).toBe(9 * TOKENS);
});

test('a service does not wait: it is told when to come back', async () => {
  const ticks = (function* () {
    for (let time = 0; ; time += 1_000) yield time;
  })();
  const clock = { now: () => 0, monotonicMs: () => ticks.next().value, sleep: async () => undefined };
  const admission = openAdmission(redis, world.address, { backlogTokens: 2 * TOKENS, clock });
  await admission.admit();
  await world.handIn('d', 'A', { n: 3 });
  await expect(admission.admit()).rejects.toMatchObject({
    code: 'backlog_full',
    verdict: 'retry',
    retryAfterMs: 10_000,
  });
  await world.workAll();
  await admission.admit();
});

test('producers wait for Redis memory between two marks, and an interrupt ends the waiting', async () => {
  const admission = openAdmission(redis, world.address, { backlogTokens: 1e9 });
  const queue = openChunkQueue(redis, world.address);
  await world.handIn('d', 'x'.repeat(20_000), { n: 500 });
  await queue.add(world.jobs);
  const { usedBytes } = await admission.state();
  const at = (share: number) => redis.config('SET', 'maxmemory', String(Math.round(usedBytes / share)));

  await at(0.6);
  expect((await admission.state()).reason).toBeUndefined();
  await at(0.7);
  const stop = new AbortController();
  const reasons: string[] = [];
  await admission.wait(stop.signal, (reason) => {
    reasons.push(reason);
    stop.abort();
  });
  // With what fills it: a person who waits for the backlog does something else than one whose ledger is too large.
  expect(reasons).toEqual([
    expect.stringMatching(
      /^Redis memory is at (69|7[01]) %: the ledger takes \d %, dead letters take 0 %, the backlog and the rest \d\d %$/,
    ),
  ]);
  // Held: now the lower mark counts.
  await at(0.6);
  expect((await admission.state()).reason).toBe('memory');
  await at(0.5);
  expect((await admission.state()).reason).toBeUndefined();
  await queue.close();
});

test('when the ledger alone is above the mark, waiting ends with what the line needs', async () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => `d${i}`);
  await world.ledger.adopt(
    ids.map((id) => ({
      key: world.key(id),
      revision: '1795467747908880',
      hash: 'h'.repeat(22),
      cut: 'cut00001',
      chunkCount: 1,
    })),
  );
  const admission = openAdmission(redis, world.address, { backlogTokens: 1e9 });
  await redis.config('SET', 'maxmemory', '3000000');
  const failure = await admission.wait().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'ledger_full', verdict: 'stop' });
  expect((failure as Error).message).toMatch(
    /20000 documents of 1[0-4]\d bytes.*maxmemory of Redis to at least \d+ MiB/s,
  );
});

test('who works and what they wait for', async () => {
  const { ledger } = world;
  expect(await ledger.liveWorkers()).toEqual([]);
  await ledger.workerBeat('w1', { host: 'h', pid: 1, held: 3 });
  await ledger.workerBeat('w2', { host: 'h', pid: 2, held: 0, outage: 'engine_unreachable: refused' });
  expect((await ledger.liveWorkers()).map(({ id, held }) => [id, held])).toEqual([
    ['w1', 3],
    ['w2', 0],
  ]);
  expect(await ledger.outage()).toBeUndefined();
  await ledger.workerGone('w1');
  expect(await ledger.outage()).toBe('engine_unreachable: refused');
  world.advance(31_000);
  expect(await ledger.liveWorkers()).toEqual([]);
  expect(await ledger.outage()).toBeUndefined();

  expect(await ledger.paused()).toBeUndefined();
  await ledger.pause('maintenance');
  expect(await ledger.paused()).toBe('maintenance');
  await ledger.resume();
  expect(await ledger.paused()).toBeUndefined();
});

test('the rate is what was stored in the last minute', async () => {
  await world.handIn('d', 'A', { n: 30 });
  for (let i = 0; i < 30; i += 1) {
    await world.work(world.jobs.shift()!);
    world.advance(1_000);
  }
  const { tokensPerSecond, chunksPerSecond, backlogTokens } = await world.ledger.statistics();
  expect(chunksPerSecond).toBeGreaterThan(0.7);
  expect(chunksPerSecond).toBeLessThan(1.1);
  expect(tokensPerSecond).toBeCloseTo(chunksPerSecond * TOKENS, 5);
  expect(backlogTokens).toBe(0);
  world.advance(120_000);
  expect((await world.ledger.statistics()).tokensPerSecond).toBe(0);
});

test('poison: nobody is blamed for dying in company; three deaths alone on two processes are enough', async () => {
  const { ledger } = world;
  await world.handIn('d', 'A', { n: 3 });
  const [bad, neighbour, elsewhere] = world.jobs;
  const dieWith = async (worker: string, chunks: typeof world.jobs, alone = false) => {
    await ledger.workerBeat(worker, { host: 'h', pid: 1, held: 1 });
    await ledger.enterCall(worker, chunks, { alone });
    world.advance(11_000);
  };
  expect(await ledger.suspicions('me', [bad!])).toEqual(['none']);
  await dieWith('w1', [bad!, neighbour!]);
  expect(await ledger.suspicions('me', [bad!, neighbour!, elsewhere!])).toEqual(['none', 'none', 'none']);
  await dieWith('w2', [bad!, neighbour!]);
  expect(await ledger.suspicions('me', [bad!, neighbour!, elsewhere!])).toEqual(['run alone', 'run alone', 'none']);

  // The neighbour succeeds alone and is cleared.
  await ledger.workerBeat('w3', { host: 'h', pid: 1, held: 1 });
  await (await ledger.enterCall('w3', [neighbour!])).left('embedded');
  expect(await ledger.suspicions('me', [neighbour!])).toEqual(['none']);

  await dieWith('w3', [bad!]); // by itself in its request, while others were in theirs
  for (let i = 0; i < 3; i += 1) await dieWith('w3', [bad!], true);
  expect(await ledger.suspicions('me', [bad!])).toEqual(['run alone']); // one process only
  await dieWith('w4', [bad!], true);
  expect(await ledger.suspicions('me', [bad!])).toEqual(['poison']);
});

test('a call of a live worker, and one that came back with an error, mark nobody', async () => {
  const { ledger } = world;
  await world.handIn('d', 'A', { n: 1 });
  const [job] = world.jobs;
  for (let i = 0; i < 5; i += 1) {
    await ledger.workerBeat('w1', { host: 'h', pid: 1, held: 1 });
    const call = await ledger.enterCall('w1', [job!], { alone: true });
    expect(await ledger.suspicions('me', [job!])).toEqual(['none']);
    await call.left('failed');
    world.advance(11_000);
    expect(await ledger.suspicions('me', [job!])).toEqual(['none']);
  }
});

test('a worker whose heartbeat is late does not blame itself', async () => {
  const { ledger } = world;
  await world.handIn('d', 'A', { n: 1 });
  const [job] = world.jobs;
  for (let i = 0; i < 3; i += 1) {
    await ledger.enterCall('late', [job!], { alone: true });
    world.advance(60_000);
    expect(await ledger.suspicions('late', [job!])).toEqual(['none']);
  }
});

test('dead letters have a budget; at it the line stops and records no more', async () => {
  await world.handIn('d', 'x'.repeat(5_000), { n: 60 });
  await redis.config('SET', 'maxmemory', '2mb'); // budget 200 kB
  let recorded = 0;
  const stopped = await (async () => {
    for (const job of world.jobs) {
      await world.die(job);
      recorded += 1;
    }
  })().catch((error: unknown) => error);
  expect(stopped).toMatchObject({ code: 'too_many_dead', verdict: 'stop' });
  expect(recorded).toBeGreaterThan(30);
  expect(recorded).toBeLessThan(40);
  expect((await world.ledger.counts()).deadLetters).toBe(recorded);
});

test('what is a day old and of no use is forgotten, nothing else', async () => {
  const { ledger } = world;
  const key = world.key('d');
  await ledger.reserve([{ key, id: 'd', submission: 'old' }]);
  await ledger.beat('old');
  await ledger.workerBeat('old', { host: 'h', pid: 1, held: 0 });
  world.advance(23 * 3_600_000);
  await ledger.reserve([{ key, id: 'd', submission: 'new' }]);
  await ledger.beat('new');
  world.advance(2 * 3_600_000);
  await ledger.forgetOld();
  expect((await ledger.reserve([{ key, id: 'd', submission: 'new' }]))[0]).toMatchObject({ again: true });
  expect((await ledger.reserve([{ key, id: 'd', submission: 'old' }]))[0]).toMatchObject({ again: false });
  expect(await redis.hkeys('{sluice:main:e1:0}:producers')).toEqual(['new']);
  expect(await redis.hlen('{sluice:main:e1:0}:workers')).toBe(0);
});

test("the line's lease belongs to one holder at a time", async () => {
  const { ledger } = world;
  const mine = await ledger.lease(60_000);
  expect(mine).toBeDefined();
  expect(await ledger.lease(60_000)).toBeUndefined();
  expect(await mine!.renew()).toBe(true);
  await mine!.release();
  const theirs = await ledger.lease(60_000);
  expect(theirs).toBeDefined();
  expect(await mine!.renew()).toBe(false);
  await mine!.release();
  expect(await theirs!.renew()).toBe(true);
});
