/** The whole collection in pages: every row once, in order, however it is divided; keys that are stored twice are named. */
import { silentLogger } from '@sluice/core';
import { type AuditPage, connectStore, type Store } from '@sluice/store';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedStack, testLine } from '../support/stack.ts';
import { testRow, testSpace } from './rows.ts';

let store: Store;
beforeAll(async () => {
  store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
});
afterAll(() => store.close());

test('every row comes once and in order, and a key that is stored twice is named', async () => {
  const line = testLine();
  const { collection } = (await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' })).info;
  const rows = Array.from({ length: 12 }, (_, i) => testRow({ line, id: `doc-${i}`, revision: '5', ordinal: 0 }));
  // A document that is larger than a page goes on in the next.
  for (let ordinal = 0; ordinal < 20; ordinal += 1)
    rows.push(testRow({ line, id: 'long', revision: '9', ordinal, of: 20 }));
  await store.upsert(collection, rows);
  const twice = { ...rows[15]!, tenant: '', vector: [...rows[15]!.vector] };
  const sdk = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  await sdk.upsert({ collection_name: collection, data: [twice, twice] as never });
  await sdk.insert({ collection_name: collection, data: [{ ...twice, id: 'elsewhere' }] as never });
  await sdk.closeConnection();

  const sorted = rows.map(({ id }) => id).sort();
  for (const { pageRows, listedIds } of [
    { pageRows: 7, listedIds: 24 },
    { pageRows: 7, listedIds: 100 },
    { pageRows: 2_000, listedIds: 2_000 },
  ]) {
    const pages: AuditPage[] = [];
    for await (const page of store.auditRows(collection, { pageRows, listedIds })) pages.push(page);
    expect(pages.flatMap((page) => page.rows.map(({ id }) => id))).toEqual(sorted);
    expect(pages.flatMap(({ doubled }) => doubled)).toEqual([rows[15]!.id]);
    expect(Math.max(...pages.map((page) => page.rows.length))).toBeLessThanOrEqual(pageRows);
    const [first] = pages.flatMap((page) => page.rows);
    expect(first).toEqual(expect.objectContaining({ rev: expect.any(String), vector: expect.any(Float32Array) }));
  }
  expect(await store.countForeign(collection)).toBe(1);
});
