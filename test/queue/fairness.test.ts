/** Who goes first, on a real queue: live before bulk, tenants by tokens, and room for those who have less than their share. */
import { chunkHash, documentKey } from '@sluice/core';
import { retryDead } from '@sluice/line';
import {
  type ChunkJob,
  chunkPriorities,
  type Ledger,
  type LineAddress,
  openAdmission,
  openChunkQueue,
  openChunkWorker,
  openLedger,
  type Priority,
  type Redis,
} from '@sluice/queue';
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';

const TOKENS = 4_096;
const address: LineAddress = { line: 'main', epoch: 'e1', shards: 1 };
const own = ownRedis();
let redis: Redis;
let ledger: Ledger;
let queue: ReturnType<typeof openChunkQueue>;
let documents = 0;

beforeEach(() => {
  redis = own.redis;
  ledger = openLedger(redis, address);
  queue = openChunkQueue(redis, address);
});

/** Documents of ten chunks each, handed in one after another; `dead`: all their chunks have died. */
async function handIn(tenant: string, chunks: number, priority: Priority, { dead = false } = {}): Promise<void> {
  for (let from = 0; from < chunks; from += 10) {
    documents += 1;
    const id = `d${documents}`;
    const key = documentKey({ line: address.line, tenant, id });
    const tokens = Array.from({ length: 10 }, () => TOKENS);
    const hash = chunkHash(id);
    const [prepared] = await ledger.prepare([
      { key, id, tenant, hash, cut: 'cut00001', chunkCount: 10, tokens, producer: 'p', priority },
    ]);
    const { revision, generation, tag } = prepared!;
    const places = chunkPriorities({ tag, priority }, tokens);
    const jobs = tokens.map((count, ordinal): ChunkJob => {
      const counts = { text: count, special: 0, instruction: 0 };
      return {
        ...{ v: 1, key, revision, ordinal, generation, chunkCount: 10, documentId: id, tenant, text: id, context: '' },
        ...{ start: 0, end: 1, heading: [], tokens: counts, hash, docHash: hash, metadata: {}, epoch: address.epoch },
      };
    });
    if (!dead) await queue.add(jobs, { priorityOf: ({ ordinal }) => places[ordinal]! });
    await ledger.commit([{ key, revision }]);
    const letters = jobs.map((job) => ({ ...job, job, tokens: TOKENS, code: 'text_refused', reason: 'planted' }));
    if (dead) await ledger.dead(letters, 'w');
  }
}

/** Does `count` chunks, one after another; their tenants in the order in which they were done. */
async function work(count: number): Promise<string[]> {
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    own.valkey.url,
    address,
    async ({ data }) => {
      const { key, revision, ordinal, tenant } = data as ChunkJob;
      if (order.length < count) {
        await ledger.fence([{ key, revision, ordinal }], 'w');
        await ledger.mark([{ key, revision, ordinal, tokens: TOKENS, reused: false }], 'w');
        order.push(tenant!);
      }
      if (order.length === count) resolve();
    },
    { concurrency: 1, onError: () => undefined },
  );
  await promise;
  await worker.close();
  return order;
}

test('live work goes before bulk work that came first', async () => {
  await handIn('bulk', 300, 'bulk');
  await handIn('live', 20, 'live');
  const order = await work(25);
  expect(order.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'live'));
});

test('tenants take turns by tokens, whoever came first and however much each has handed in', async () => {
  await handIn('first', 400, 'bulk');
  await work(100);
  await handIn('late', 100, 'bulk');
  const order = await work(200);
  const late = order.filter((tenant) => tenant === 'late').length;
  // One turn is 65,536 tokens: sixteen chunks.
  expect(late).toBeGreaterThanOrEqual(84);
  expect(late).toBeLessThanOrEqual(100);
});

test('dead letters that are tried again stand where their tenant has come to, before nobody who waits', async () => {
  await handIn('dead', 100, 'bulk', { dead: true });
  await handIn('bulk', 100, 'bulk');
  await handIn('live', 20, 'live');
  await retryDead({ ledger, queue }, {});
  const order = await work(120);
  expect(order.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'live'));
  const between = order.slice(20).filter((tenant) => tenant === 'dead').length;
  expect(Math.abs(between - 50)).toBeLessThanOrEqual(16);
});

test('a tenant that was away has saved nothing up', async () => {
  await handIn('busy', 200, 'live');
  await handIn('guest', 10, 'live');
  await work(210);
  await handIn('busy', 100, 'live');
  await handIn('guest', 100, 'live');
  const order = await work(100);
  expect(Math.abs(order.filter((tenant) => tenant === 'busy').length - 50)).toBeLessThanOrEqual(16);
});

test('bulk stops at four fifths of the mark, and who has less than their share is still admitted', async () => {
  const admission = openAdmission(redis, address, { backlogTokens: 100 * TOKENS });
  await handIn('big', 90, 'bulk');
  await expect(admission.admit({ priority: 'bulk', tenant: 'big' })).rejects.toMatchObject({ code: 'backlog_full' });
  await admission.admit({ priority: 'bulk', tenant: 'small' });
  await admission.admit({ priority: 'live', tenant: 'live' });
  await handIn('small', 30, 'live');
  const full = openAdmission(redis, address, { backlogTokens: 100 * TOKENS });
  await expect(full.admit({ priority: 'live', tenant: 'big' })).rejects.toMatchObject({ code: 'backlog_full' });
  await full.admit({ priority: 'live', tenant: 'small' });
  expect(await ledger.shares()).toEqual(
    expect.arrayContaining([
      { tenant: 'big', backlogTokens: 90 * TOKENS },
      { tenant: 'small', backlogTokens: 30 * TOKENS },
    ]),
  );
});

test('when to come back is what the backlog takes at the present rate', async () => {
  await handIn('big', 100, 'live');
  await work(40);
  const retryAfter = async (mark: number) => {
    const refusal = await openAdmission(redis, address, { backlogTokens: mark * TOKENS })
      .admit()
      .catch((error: unknown) => error);
    return (refusal as { retryAfterMs: number }).retryAfterMs;
  };
  const little = await retryAfter(50);
  const much = await retryAfter(10);
  expect(little).toBeGreaterThanOrEqual(1_000);
  expect(much).toBeGreaterThan(little);
});
