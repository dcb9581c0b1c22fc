/** Submissions on a real queue: who goes first, what counts as on its way, and documents that end the process that cuts them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { documentKey } from '@sluice/core';
import {
  openSubmissionQueue,
  openSubmissionWorker,
  type Priority,
  PutOff,
  type Redis,
  type SubmissionQueue,
} from '@sluice/queue';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';

const LINE = 'main';
const own = ownRedis();
let redis: Redis;
let queue: SubmissionQueue;
let documents = 0;

beforeEach(() => {
  redis = own.redis;
  queue = openSubmissionQueue(redis, LINE);
});
afterEach(() => queue.close());

function submissions(tenant: string, count: number, priority: Priority = 'live') {
  return Array.from({ length: count }, () => {
    documents += 1;
    const id = `d${documents}`;
    const submission = { id, tenant, text: `The text of ${id}.`, priority };
    return { key: documentKey({ line: LINE, tenant, id }), revision: String(1_000_000 + documents), submission };
  });
}

/** Consumes everything, one after another; the tenants in the order in which they were done. */
async function consumeAll(): Promise<string[]> {
  const order: string[] = [];
  const worker = openSubmissionWorker(
    own.valkey.url,
    LINE,
    async ({ data }) => void order.push((data as { tenant: string }).tenant),
    { concurrency: 1, onError: () => undefined },
  );
  await vi.waitUntil(async () => (await queue.waiting()) === 0, { timeout: 60_000 });
  await worker.close();
  return order;
}

test('tenants take turns, whoever came first and however much each has submitted', async () => {
  await queue.enqueue(submissions('first', 400));
  await queue.enqueue(submissions('late', 20));
  const order = await consumeAll();
  expect(order).toHaveLength(420);
  // A turn is 65,536 tokens, and a short document counts as 1,024 of them.
  expect(order.lastIndexOf('late')).toBeLessThan(2 * 64);
});

test('live goes before bulk, and who was away has saved nothing up', async () => {
  await queue.enqueue(submissions('bulk', 100, 'bulk'));
  await queue.enqueue(submissions('live', 100));
  const order = await consumeAll();
  expect(order.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 'live'));
  expect(await queue.onTheirWay()).toEqual({ shares: [], documents: 0 });
  expect(await redis.keys('*submitted*')).toEqual([]);
});

test('what other clients added goes to its place in the order as well', async () => {
  const others = new Queue('submissions', { prefix: `{sluice:${LINE}}`, connection: redis });
  others.on('error', () => undefined);
  const add = (tenant: string, count: number, priority: Priority) =>
    others.addBulk(
      submissions(tenant, count, priority).map(({ submission }) => ({
        name: 'document',
        data: { v: 1, ...submission },
        opts: { priority: priority === 'live' ? 1 : 1_048_576, removeOnComplete: true },
      })),
    );
  await add('bulk', 50, 'bulk');
  await add('first', 300, 'live');
  await add('late', 20, 'live');
  await queue.enqueue(submissions('served', 20));
  const order = await consumeAll();
  await others.close();
  expect(order).toHaveLength(390);
  expect(order.slice(-50)).toEqual(Array.from({ length: 50 }, () => 'bulk'));
  for (const tenant of ['late', 'served']) expect(order.lastIndexOf(tenant)).toBeLessThan(300);
});

test('what waits is on its way, by tenant, until it is cut or rejected, however often it is added or put off', async () => {
  const mine = submissions('mine', 3);
  await queue.enqueue(mine);
  await queue.enqueue(mine);
  await queue.enqueue(submissions('yours', 1, 'bulk'));
  const tokens = Math.ceil(mine[0]!.submission.text.length / 4);
  const waiting = await queue.onTheirWay();
  expect(waiting.documents).toBe(4);
  expect(waiting.shares.find(({ tenant }) => tenant === 'mine')!.backlogTokens).toBe(3 * tokens);

  let seen = 0;
  const worker = openSubmissionWorker(
    own.valkey.url,
    LINE,
    async ({ data }) => {
      seen += 1;
      if ((data as { tenant: string }).tenant === 'yours') throw new PutOff(600_000);
    },
    { concurrency: 2, onError: () => undefined },
  );
  await vi.waitUntil(async () => seen === 4 && (await queue.onTheirWay()).documents === 1, { timeout: 60_000 });
  await worker.close();
  expect((await queue.onTheirWay()).shares.map(({ tenant }) => tenant)).toEqual(['yours']);
  await queue.drop();
  expect(await redis.keys('*submitted*')).toEqual([]);
});

test('what was placed by a service that died before it was added is on its way no more', async () => {
  const [lost, waiting] = submissions('t', 2);
  await queue.enqueue([lost!, waiting!]);
  for (const key of await redis.keys('*:submissions:d*')) if (!key.includes(waiting!.key)) await redis.del(key);
  await redis.del(`{sluice:${LINE}}:submissions:prioritized`);
  const entries = await redis.hgetall(`{sluice:${LINE}}:submitted`);
  for (const [id, entry] of Object.entries(entries)) {
    const [place, order, tokens, , tenant] = entry.split('|');
    await redis.hset(`{sluice:${LINE}}:submitted`, id, [place, order, tokens, 1_700_000_000, tenant].join('|'));
  }
  const worker = openSubmissionWorker(own.valkey.url, LINE, async () => undefined, {
    concurrency: 1,
    onError: () => undefined,
  });
  await vi.waitUntil(async () => (await queue.onTheirWay()).documents === 1, { timeout: 60_000 });
  await worker.close();
  expect(Object.keys(await redis.hgetall(`{sluice:${LINE}}:submitted`))[0]).toContain(waiting!.key);
});

test('a document that ends the process is rejected after three deaths alone; who died in its company is not blamed', async () => {
  const [deadly] = submissions('t', 1);
  const harmless = submissions('t', 12);
  await queue.enqueue([...harmless.slice(0, 6), { ...deadly!, submission: { ...deadly!.submission, id: 'deadly' } }]);
  await queue.enqueue(harmless.slice(6));
  let processes = 0;
  const rejected = async () => (await queue.stateOf(deadly!.key, deadly!.revision))?.state === 'rejected';
  while (!(await rejected())) {
    processes += 1;
    const child = fork(new URL('mortal-chunker.ts', import.meta.url), [own.valkey.url, LINE]);
    const exit = once(child, 'exit');
    await Promise.race([exit, vi.waitUntil(rejected, { timeout: 60_000 })]);
    if (await rejected()) {
      await vi.waitUntil(async () => (await queue.waiting()) === 0, { timeout: 60_000 });
      child.kill('SIGKILL');
      await exit;
    }
  }
  // Twice in company, three times alone.
  expect(processes).toBe(6);
  expect(await queue.stateOf(deadly!.key, deadly!.revision)).toMatchObject({ code: 'poison' });
  for (const { key, revision } of harmless) expect(await queue.stateOf(key, revision)).toBeUndefined();
  expect(await redis.keys('*submitted*')).toEqual([]);
}, 120_000);
