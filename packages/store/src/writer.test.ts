/**
 * Rows are packed by our own encoder. What a server gets is, byte for byte, what the SDK's row path sends for the same rows, over
 * the same kind of channel with the same headers; what it answers means the same.
 */
import { chunkId, silentLogger } from '@sluice/core';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Answer, decoded, type FakeMilvus, type Received, startFakeMilvus, stored } from './fake-milvus.ts';
import { connectMilvus, type Milvus } from './milvus-client.ts';
import type { Row } from './row.ts';
import { rowSchema } from './schema.ts';
import { createSlabs } from './slabs.ts';
import { createTurns } from './turns.ts';
import { createWritePace, type WritePace } from './write-pace.ts';
import { upsertRows } from './writer.ts';

const COLLECTION = 'sluice_main';
const RATE_LIMIT = { status: { error_code: 'RateLimit', code: 8, reason: 'slow down' } };
const turns = createTurns();
const slabs = createSlabs();
let fake: FakeMilvus;
let milvus: Milvus;

afterEach(async () => {
  await milvus.close();
  await fake.close();
});

/** A server with one collection; `onUpsert` answers writes, everything else succeeds. */
async function connect(
  dimension: number,
  onUpsert: (rows: number, call: Received) => Answer | Promise<Answer>,
  { timestamp = '0', columns = rowSchema(dimension) } = {},
): Promise<void> {
  const schema = {
    fields: columns.map(({ name, data_type, is_primary_key, dim, max_length }) => ({
      name,
      data_type,
      is_primary_key,
      type_params: Object.entries({ dim, max_length }).flatMap(([key, value]) =>
        value === undefined ? [] : [{ key, value: String(value) }],
      ),
    })),
  };
  fake = await startFakeMilvus((call) => {
    if (call.method === 'DescribeCollection')
      return {
        status: { error_code: 'Success', code: 0 },
        schema,
        collection_name: COLLECTION,
        update_timestamp_str: timestamp,
      };
    return call.method === 'Upsert' ? onUpsert(Number(decoded(call).num_rows), call) : undefined;
  });
  milvus = await connectMilvus({
    address: fake.address,
    username: 'root',
    password: 'Milvus',
    database: 'books',
    logger: silentLogger,
    timeoutMs: 20_000,
  });
}

const upsert = (rows: Row[], pace: WritePace = createWritePace({ logger: silentLogger })) =>
  upsertRows({ milvus, pace, turns, slabs, collection: COLLECTION, dimension: rows[0]!.vector.length }, rows);
const upserts = () => fake.received.filter(({ method }) => method === 'Upsert');

function row(ordinal: number, change: Partial<Row> = {}): Row {
  return {
    id: chunkId(`d${'0'.repeat(20)}`, '5', ordinal),
    doc_id: 'a.md',
    rev: '5',
    ordinal,
    chunk_count: 1,
    chunk_hash: 'c'.repeat(22),
    doc_hash: 'd'.repeat(22),
    text: 'text',
    start: 0,
    end: 4,
    metadata: {},
    vector: Float32Array.of(0.6, 0.8),
    ...change,
  };
}

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const rowsOf = (dimension: number) =>
  fc.array(
    fc.record(
      {
        doc_id: text(40),
        rev: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }).map(String),
        ordinal: fc.integer({ min: 0, max: 15_999 }),
        chunk_count: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        text: text(400),
        start: fc.maxSafeNat(),
        end: fc.maxSafeNat(),
        metadata: fc.dictionary(text(10), fc.jsonValue()) as fc.Arbitrary<Row['metadata']>,
        tenant: text(20),
        vector: fc
          .array(float, { minLength: dimension, maxLength: dimension })
          .map((values) => Float32Array.from(values)),
      },
      { requiredKeys: ['doc_id', 'rev', 'ordinal', 'chunk_count', 'text', 'start', 'end', 'metadata', 'vector'] },
    ),
    { minLength: 1, maxLength: 12 },
  );

test.each([
  [1, '0'],
  [32, '1'],
  [256, '458412345678901234'],
  [1_024, '18446744073709551615'],
])('the bytes are those of the SDK, at %i dimensions and schema timestamp %s', async (dimension, timestamp) => {
  await connect(dimension, stored, { timestamp });
  await fc.assert(
    fc.asyncProperty(rowsOf(dimension), async (values) => {
      const rows = values.map((value, ordinal) => ({ ...row(ordinal), ...value }) as Row);
      fake.received.length = 0;
      await upsert(rows);
      await milvus.sdk.upsert({
        collection_name: COLLECTION,
        data: rows.map((one) => ({ ...one, tenant: one.tenant ?? '', vector: Array.from(one.vector) })) as never,
        timeout: milvus.timeoutMs,
      });
      const [ours, theirs] = upserts();
      expect(ours!.bytes.equals(theirs!.bytes)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('columns follow the order that the collection has them in', async () => {
  await connect(2, stored, { columns: rowSchema(2).toReversed() });
  await upsert([row(0)]);
  const names = (decoded(upserts()[0]!).fields_data as { field_name: string }[]).map(({ field_name }) => field_name);
  expect(names).toEqual(
    rowSchema(2)
      .map(({ name }) => name)
      .reverse(),
  );
});

test('a write has the credentials, database and deadline of every other call', async () => {
  await connect(2, stored);
  await upsert([row(0)]);
  await milvus.sdk.upsert({
    collection_name: COLLECTION,
    data: [{ ...row(0), tenant: '', vector: [1, 0] }] as never,
    timeout: milvus.timeoutMs,
  });
  const [ours, theirs] = upserts().map(({ headers }) => headers);
  expect(ours).toMatchObject({ dbname: 'books', authorization: theirs!.authorization });
  expect(Object.keys(ours!).sort()).toEqual(Object.keys(theirs!).sort());
  expect(Number.parseInt(String(ours!['grpc-timeout']), 10)).toBeGreaterThan(15_000);
});

test.each<[string, Answer, string, string]>([
  ['a rate limit', RATE_LIMIT, 'store_busy', 'retry'],
  ['a quota', { status: { error_code: 'UnexpectedError', code: 9 } }, 'store_busy', 'retry'],
  ['a collection that is gone', { status: { error_code: 'UnexpectedError', code: 100 } }, 'missing_collection', 'stop'],
  ['a poison row', { status: { error_code: 'IllegalArgument', code: 1100 } }, 'store_failed', 'unknown'],
  ['a server that goes away', { grpcStatus: 14, grpcMessage: 'going away' }, 'store_unreachable', 'retry'],
  ['wrong credentials', { grpcStatus: 16, grpcMessage: 'auth check failure' }, 'store_refused_key', 'stop'],
  [
    'a server without upsert, which the SDK calls success',
    { grpcStatus: 12, grpcMessage: '' },
    'store_failed',
    'unknown',
  ],
  ['fewer rows than were sent', stored(1), 'store_failed', 'retry'],
])('%s means what it means elsewhere', async (_case, answer, code, verdict) => {
  await connect(2, () => answer);
  await expect(upsert([row(0), row(1)])).rejects.toMatchObject({ code, verdict });
  expect(upserts()).toHaveLength(1);
});

test('a request that is too large is halved until it fits, and later ones begin at that size', async () => {
  const most = 300_000;
  await connect(2, (rows, { bytes }) =>
    bytes.length > most
      ? { grpcStatus: 8, grpcMessage: `grpc: received message larger than max (${bytes.length} vs. ${most})` }
      : stored(rows),
  );
  const rows = Array.from({ length: 40 }, (_, ordinal) => row(ordinal, { text: 'x'.repeat(25_000) }));
  const pace = createWritePace({ logger: silentLogger });
  await upsert(rows, pace);
  const acknowledged = upserts().filter(({ bytes }) => bytes.length <= most);
  expect(acknowledged.reduce((sum, call) => sum + Number(decoded(call).num_rows), 0)).toBe(40);
  fake.received.length = 0;
  await upsert(rows, pace);
  expect(upserts().every(({ bytes }) => bytes.length <= most)).toBe(true);
});

test('a row that is too large alone is not sent for ever', async () => {
  await connect(2, () => ({ grpcStatus: 8, grpcMessage: 'received message larger than max (2 vs. 1)' }));
  await expect(upsert([row(0), row(1)])).rejects.toMatchObject({ code: 'store_too_large', verdict: 'split' });
});

test('requests have 2 to 4 MB, and no more are under way than Milvus takes well', async () => {
  let [underWay, most] = [0, 0];
  const { promise: release, resolve } = Promise.withResolvers<void>();
  await connect(2, async (rows) => {
    most = Math.max(most, ++underWay);
    if (underWay === 4) resolve();
    await release;
    underWay -= 1;
    return stored(rows);
  });
  await upsert(Array.from({ length: 1_000 }, (_, ordinal) => row(ordinal, { text: 'x'.repeat(25_000) })));
  expect(most).toBe(4);
  for (const { bytes } of upserts()) {
    expect(bytes.length).toBeGreaterThan(2_000_000);
    expect(bytes.length).toBeLessThan(4_100_000);
  }
});

test('a busy Milvus gets half as many requests at a time, and one more for every quiet period', async () => {
  let [time, busy] = [0, true];
  await connect(2, (rows) => (busy ? RATE_LIMIT : stored(rows)));
  const clock = { now: () => time, monotonicMs: () => time, sleep: async () => undefined };
  const pace = createWritePace({ logger: silentLogger, quietMs: 1_000, clock });
  const seen: number[] = [];
  const step = async () => {
    await upsert([row(0)], pace).catch(() => undefined);
    seen.push(pace.concurrency);
  };
  for (let i = 0; i < 3; i++) await step();
  busy = false;
  await step();
  for (let i = 0; i < 5; i++) {
    time += 1_000;
    await step();
  }
  expect(seen).toEqual([2, 1, 1, 1, 2, 3, 4, 4, 4]);
});

test('a schema that changed since it was described is described again, once', async () => {
  let changed = true;
  await connect(2, (rows) => {
    const first = changed;
    changed = false;
    return first ? { status: { error_code: 'SchemaMismatch', code: 0 } } : stored(rows);
  });
  await upsert([row(0)]);
  await upsert([row(1)]);
  const calls = fake.received.map(({ method }) => method).filter((method) => /Describe|Upsert/.test(method));
  expect(calls).toEqual(['DescribeCollection', 'Upsert', 'DescribeCollection', 'Upsert', 'Upsert']);
});
