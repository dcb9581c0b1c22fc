/** Lines: created once whoever comes first, checked at every opening, found by anybody, dropped whole. */
import { silentLogger } from '@sluice/core';
import { collectionName, connectStore, type Store } from '@sluice/store';
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedStack, testLine } from '../support/stack.ts';
import { testRow, testSpace } from './rows.ts';

let store: Store;
let other: Store;
beforeAll(async () => {
  store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
  other = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
});
afterAll(async () => {
  await store.close();
  await other.close();
});

test('a line is created on first use and found again with everything it was created with', async () => {
  const line = testLine();
  const opened = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa', shards: 2 });
  expect(opened).toMatchObject({ created: true, warnings: [], info: { line, shards: 2, cuts: ['aaaaaaaa'] } });
  expect(opened.info.collection).toBe(collectionName(line));
  expect(opened.info.epoch).toMatch(/^[0-9a-f]{16}$/);

  const again = await other.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  expect(again).toEqual({ created: false, warnings: [], info: opened.info });
  expect(await other.describeLine(line)).toEqual(opened.info);
  expect(await other.listLines()).toContainEqual(opened.info);
});

test('a line keeps which engine was proved, in the place of an earlier one, and everything else', async () => {
  const line = testLine();
  const { info } = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  const proof = {
    verdict: 'right' as const,
    proof: 'golden' as const,
    engine: { profile: 'jina', where: 'http://engine', model: 'm' },
    at: '2026-11-24T00:00:00.000Z',
    findings: [{ name: 'determinism', status: 'ok' as const, measured: 'cosine 1, "said" so' }],
    // As large as they come: 1,024 float32.
    canary: { text: 'known', vector: 'A'.repeat(5_464) },
  };
  await store.recordProof(info.collection, { ...proof, verdict: 'unproven' });
  await store.recordProof(info.collection, proof);
  expect(await other.describeLine(line)).toEqual({ ...info, proof });
});

test('a line keeps the number of its queues, and whoever asks for another is told', async () => {
  const line = testLine();
  await store.openLine({ line, space: testSpace(), shards: 4 });
  expect(await other.openLine({ line, space: testSpace() })).toMatchObject({ info: { shards: 4 }, warnings: [] });
  const { info, warnings } = await other.openLine({ line, space: testSpace(), shards: 8 });
  expect(info.shards).toBe(4);
  expect(warnings).toEqual([expect.stringMatching(/4 queues.*SLUICE_SHARDS=8/)]);
});

test('of processes that open a new line at the same time one creates it and all see the same epoch', async () => {
  const line = testLine();
  const open = (from: Store) => from.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  const opened = await Promise.all([open(store), open(other), open(store), open(other)]);
  expect(opened.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(opened.map(({ info }) => info.epoch)).size).toBe(1);
});

test('another space stops the line and names what differs and the ways out', async () => {
  const line = testLine();
  await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  const opening = store.openLine({
    line,
    space: testSpace({ modelRevision: 'r2', storedDimension: 32 }),
    cut: 'aaaaaaaa',
  });
  await expect(opening).rejects.toMatchObject({
    code: 'space_drift',
    verdict: 'stop',
    what: expect.stringContaining('modelRevision: "r1" against "r2"; storedDimension: 16 against 32'),
    fix: expect.stringContaining(`sluice lines drop ${line}`),
  });
});

test('a new cut is added to the line and told as a warning, once', async () => {
  const line = testLine();
  await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  const [second, third] = await Promise.all([
    store.openLine({ line, space: testSpace(), cut: 'bbbbbbbb' }),
    other.openLine({ line, space: testSpace(), cut: 'cccccccc' }),
  ]);
  expect(second!.warnings).toHaveLength(1);
  expect(third!.warnings).toHaveLength(1);
  const after = await store.openLine({ line, space: testSpace(), cut: 'bbbbbbbb' });
  expect(after.warnings).toEqual([]);
  expect((await store.describeLine(line))?.cuts).toEqual(['aaaaaaaa', 'bbbbbbbb', 'cccccccc']);
  expect((await store.describeLine(line))?.epoch).toBe(after.info.epoch);
});

test('a collection of that name that Sluice did not make is refused, not written to and not dropped', async () => {
  const line = testLine();
  const sdk = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  await sdk.createCollection({
    collection_name: collectionName(line),
    fields: [
      { name: 'pk', data_type: DataType.VarChar, max_length: 64, is_primary_key: true },
      { name: 'vector', data_type: DataType.FloatVector, dim: 16 },
    ],
  });
  await expect(store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' })).rejects.toMatchObject({
    code: 'schema_drift',
  });
  await expect(store.dropLine(line)).rejects.toMatchObject({ code: 'schema_drift' });
  expect((await sdk.hasCollection({ collection_name: collectionName(line) })).value).toBe(true);
  await sdk.closeConnection();
});

test('a line of ours with another schema is refused with every difference', async () => {
  const line = testLine();
  const model = testLine('model');
  const { info } = await store.openLine({ line: model, space: testSpace(), cut: 'aaaaaaaa' });
  const sdk = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  const { properties } = await sdk.describeCollection({ collection_name: info.collection });
  await sdk.createCollection({
    collection_name: collectionName(line),
    fields: [
      { name: 'id', data_type: DataType.VarChar, max_length: 39, is_primary_key: true },
      { name: 'rev', data_type: DataType.Int32 },
      { name: 'text', data_type: DataType.VarChar, max_length: 100 },
      { name: 'colour', data_type: DataType.Int64 },
      { name: 'vector', data_type: DataType.FloatVector, dim: 16 },
    ],
    properties: { ...Object.fromEntries(properties.map(({ key, value }) => [key, value])), 'sluice.line': line },
  });
  await sdk.closeConnection();
  const opening = store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  await expect(opening).rejects.toMatchObject({ code: 'schema_drift' });
  const message = await opening.catch((error: Error) => error.message);
  for (const part of [
    'doc_id is missing',
    'rev is Int32',
    'text holds 100 bytes',
    'colour is not a column of ours',
    '--line NAME',
  ]) {
    expect(message).toContain(part);
  }
});

test('a dropped line is gone with its rows, and a new one under its name has another epoch', async () => {
  const line = testLine();
  const { info } = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  await store.upsert(info.collection, [testRow({ line, id: 'a', revision: '1', ordinal: 0 })]);
  expect(await store.dropLine(line)).toBe(true);
  expect(await store.dropLine(line)).toBe(false);
  expect(await store.describeLine(line)).toBeUndefined();
  await expect(
    store.upsert(info.collection, [testRow({ line, id: 'a', revision: '1', ordinal: 0 })]),
  ).rejects.toMatchObject({
    code: 'missing_collection',
    verdict: 'stop',
  });
  const anew = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  expect(anew.info.epoch).not.toBe(info.epoch);
  expect(await store.countRows(info.collection)).toBe(0);
});
