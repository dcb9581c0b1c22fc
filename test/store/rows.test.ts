/** Rows: what was written is what is read, whatever is repeated; a bad row is refused before it costs its batch. */
import { revisionKey, silentLogger } from '@sluice/core';
import { connectStore, type Row, type Store } from '@sluice/store';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedStack, testLine } from '../support/stack.ts';
import { testKey, testRow, testSpace, testVector } from './rows.ts';

let store: Store;
let shared: { line: string; collection: string };
beforeAll(async () => {
  store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
  shared = await openNew();
});
afterAll(() => store.close());

/** A line takes two seconds to open: for tests that look at all rows of a collection. The others share one. */
async function openNew(): Promise<{ line: string; collection: string }> {
  const line = testLine();
  const { info } = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  return { line, collection: info.collection };
}

test('a row comes back exactly as it was written: text, offsets, metadata, large revision, tenant, vector', async () => {
  const { line, collection } = shared;
  const revision = '1795466774223587';
  const rows = [
    testRow(
      { line, id: 'đường/"quoted"\\ \n\u2028😀.md', tenant: 'acme "1"', revision, ordinal: 0, of: 2 },
      {
        text: 'Tiếng Việt 中文\u0000\t"\\',
        metadata: { heading: ['Ä'], deep: { list: [1, 'x', null, true, 1.5] } },
        start: 7,
        end: 2 ** 40,
      },
    ),
    testRow({ line, id: 'đường/"quoted"\\ \n\u2028😀.md', tenant: 'acme "1"', revision, ordinal: 1, of: 2 }),
  ];
  await store.upsert(collection, rows);
  const read = await store.rowsOf(collection, testKey(line, rows[0]!.doc_id, 'acme "1"'), { vectors: true });
  expect(read).toEqual(rows);
});

test('the same rows again are one row each', async () => {
  const { line, collection } = await openNew();
  const rows = Array.from({ length: 150 }, (_, ordinal) => testRow({ line, id: 'a', revision: '5', ordinal, of: 150 }));
  await Promise.all([store.upsert(collection, rows), store.upsert(collection, rows), store.upsert(collection, rows)]);
  await store.upsert(collection, rows);
  expect(await store.countRows(collection)).toBe(150);
  const prefix = testKey(line, 'a').slice(0, 2);
  const others = [...'0123456789abcdef'].map((digit) => `d${digit}`).filter((other) => other !== prefix);
  expect(await store.countRows(collection, [prefix])).toBe(150);
  expect(await store.countRows(collection, others)).toBe(0);
});

test('rows of a long document come back complete and in order, of one revision or of all', async () => {
  const { line, collection } = shared;
  const of = 700;
  for (const revision of ['10', '300']) {
    await store.upsert(
      collection,
      Array.from({ length: of }, (_, i) => testRow({ line, id: 'long', revision, ordinal: of - 1 - i, of })),
    );
  }
  await store.upsert(collection, [testRow({ line, id: 'neighbour', revision: '10', ordinal: 0 })]);
  const key = testKey(line, 'long');
  const one = await store.rowsOf(collection, key, { revision: '300' });
  expect(one.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: of }, (_, i) => i));
  expect(new Set(one.map(({ rev }) => rev))).toEqual(new Set(['300']));
  expect(one[0]).not.toHaveProperty('vector');
  const all = await store.rowsOf(collection, key);
  expect(all).toHaveLength(2 * of);
  expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort());
});

test('deleting the ranges of many documents removes exactly the older revisions', async () => {
  const { line, collection } = await openNew();
  const ids = Array.from({ length: 130 }, (_, i) => `doc-${i}`);
  const rows = ids.flatMap((id) => [
    testRow({ line, id, revision: '100', ordinal: 0 }),
    testRow({ line, id, revision: '200', ordinal: 0 }),
  ]);
  await store.upsert(collection, rows);
  await store.deleteRanges(
    collection,
    ids.map((id) => ({ from: testKey(line, id), to: revisionKey(testKey(line, id), '200') })),
  );
  expect(await store.countRows(collection)).toBe(ids.length);
  expect((await store.rowsOf(collection, testKey(line, 'doc-7'))).map(({ rev }) => rev)).toEqual(['200']);
});

test('deleting keys removes those keys and no others', async () => {
  const { line, collection } = shared;
  const rows = Array.from({ length: 5 }, (_, ordinal) => testRow({ line, id: 'a', revision: '1', ordinal, of: 5 }));
  await store.upsert(collection, rows);
  await store.deleteKeys(collection, [rows[1]!.id, rows[3]!.id, rows[3]!.id]);
  expect((await store.rowsOf(collection, testKey(line, 'a'))).map(({ ordinal }) => ordinal)).toEqual([0, 2, 4]);
});

test('vectors of unchanged chunks are found in older revisions only, the newest first', async () => {
  const { line, collection } = await openNew();
  const same = testRow({ line, id: 'a', revision: '1', ordinal: 0 }, { text: 'same' });
  await store.upsert(collection, [
    same,
    testRow({ line, id: 'a', revision: '2', ordinal: 4 }, { text: 'same', vector: testVector('newer') }),
    testRow({ line, id: 'a', revision: '9', ordinal: 0 }, { text: 'too new' }),
    testRow({ line, id: 'b', revision: '1', ordinal: 0 }, { text: 'same', vector: testVector('b') }),
  ]);
  const tooNew = testRow({ line, id: 'a', revision: '9', ordinal: 0 }, { text: 'too new' }).chunk_hash;
  const found = await store.findVectors(collection, [
    { key: testKey(line, 'a'), hashes: [same.chunk_hash, tooNew], before: '9' },
    { key: testKey(line, 'b'), hashes: [same.chunk_hash], before: '1' },
    { key: testKey(line, 'c'), hashes: [same.chunk_hash], before: '9' },
  ]);
  expect([...found.keys()]).toEqual([testKey(line, 'a')]);
  expect(found.get(testKey(line, 'a'))).toEqual(new Map([[same.chunk_hash, testVector('newer')]]));
});

test('document ids are found behind keys, also where the first chunk is dead', async () => {
  const { line, collection } = shared;
  await store.upsert(collection, [
    testRow({ line, id: 'a', revision: '1', ordinal: 0 }),
    testRow({ line, id: 'b', tenant: 't', revision: '1', ordinal: 3 }),
  ]);
  const [a, b, c] = [testKey(line, 'a'), testKey(line, 'b', 't'), testKey(line, 'c')];
  expect(await store.documentIds(collection, [a, b, c])).toEqual(
    new Map([
      [a, { id: 'a' }],
      [b, { id: 'b', tenant: 't' }],
    ]),
  );
});

test('a search sees rows at once, orders by cosine and keeps to the tenant', async () => {
  const { line, collection } = await openNew();
  await store.upsert(collection, [
    testRow({ line, id: 'a', revision: '1', ordinal: 0 }, { text: 'one' }),
    testRow({ line, id: 'b', revision: '1', ordinal: 0 }, { text: 'two' }),
    testRow({ line, id: 'a', tenant: 'o\'neil "x"', revision: '1', ordinal: 0 }, { text: 'three' }),
  ]);
  const hits = await store.search(collection, testVector('two'), { k: 10 });
  expect(hits[0]).toMatchObject({ doc_id: 'b', text: 'two', rev: '1', metadata: { heading: ['A', 'B'] } });
  expect(hits[0]!.score).toBeCloseTo(1, 5);
  expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((x, y) => y - x));
  const mine = await store.search(collection, testVector('two'), { k: 10, tenant: 'o\'neil "x"' });
  expect(mine.map(({ text }) => text)).toEqual(['three']);
});

test.each<[string, Partial<Row>, string, string]>([
  ['a lone surrogate', { text: 'a\ud800b' }, 'row_refused', 'text'],
  ['text over 65,535 bytes', { text: 'ế'.repeat(22_000) }, 'row_refused', 'text'],
  ['a document id over 512 bytes', { doc_id: 'x'.repeat(513) }, 'row_refused', 'doc_id'],
  ['metadata over 64 KiB', { metadata: { big: 'x'.repeat(65_536) } }, 'row_refused', 'metadata'],
  [
    'NaN',
    { vector: Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? Number.NaN : 0.25)) },
    'row_refused',
    'vector',
  ],
  ['infinity', { vector: new Float32Array(16).fill(Number.POSITIVE_INFINITY) }, 'row_refused', 'vector'],
  ['another dimension', { vector: testVector('x', 15) }, 'wrong_dimension', 'row d'],
  ['a fraction', { ordinal: 1.5 }, 'row_refused', 'ordinal'],
])('%s is refused before anything of its call is sent', async (_name, change, code, where) => {
  const { line, collection } = shared;
  const good = testRow({ line, id: 'good', revision: '1', ordinal: 0 });
  const bad = { ...testRow({ line, id: 'bad', revision: '1', ordinal: 0 }), ...change };
  await expect(store.upsert(collection, [good, bad])).rejects.toMatchObject({
    code,
    where: expect.stringContaining(where),
  });
  expect(await store.rowsOf(collection, testKey(line, 'good'))).toEqual([]);
});

test('writing to a collection that was dropped meanwhile stops the line', async () => {
  const { line, collection } = await openNew();
  const row = testRow({ line, id: 'a', revision: '1', ordinal: 0 });
  await store.upsert(collection, [row]);
  const sdk = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  await sdk.dropCollection({ collection_name: collection });
  await sdk.closeConnection();
  await expect(store.upsert(collection, [row])).rejects.toMatchObject({ code: 'missing_collection', verdict: 'stop' });
});

test('a key that comes twice in one call is refused', async () => {
  const { line, collection } = shared;
  const row = testRow({ line, id: 'a', revision: '1', ordinal: 0 });
  await expect(store.upsert(collection, [row, row])).rejects.toMatchObject({ code: 'row_refused' });
});

test('no text of a document is in the error of a refused row', async () => {
  const { line, collection } = shared;
  const bad = testRow({ line, id: 'a', revision: '1', ordinal: 0 }, { text: `secret words ${'x'.repeat(70_000)}` });
  const error = (await store.upsert(collection, [bad]).catch((reason: unknown) => reason)) as Error;
  expect(error.message).not.toContain('secret');
});

test('a released collection is loaded again by whoever reads or deletes', async () => {
  const { line, collection } = await openNew();
  await store.upsert(collection, [testRow({ line, id: 'a', revision: '1', ordinal: 0 })]);
  const sdk = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  await sdk.releaseCollection({ collection_name: collection });
  expect(await store.countRows(collection)).toBe(1);
  await sdk.releaseCollection({ collection_name: collection });
  await store.deleteRanges(collection, [{ from: 'd', to: 'dg' }]);
  await sdk.releaseCollection({ collection_name: collection });
  expect(await store.search(collection, testVector('x'), { k: 1 })).toEqual([]);
  await sdk.closeConnection();
});
