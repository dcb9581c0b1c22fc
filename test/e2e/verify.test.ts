/** `sluice verify` on a line that somebody has damaged in every way that a row can be wrong, and what `--repair` makes of it. */
import { chunkId, documentKey, revisionKey } from '@sluice/core';
import type { Row } from '@sluice/store';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { afterEach, expect, test } from 'vitest';
import { sharedStack, testLine } from '../support/stack.ts';
import { type LineReader, readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const names = ['fine', 'lost', 'doubled', 'stale', 'longer', 'forged', 'copied'];
const documents = names.map((id) => `${JSON.stringify({ id, text: `What there is to say of ${id}.` })}\n`).join('');

/** Rows as they are, to be written back changed. */
async function rowOf(line: LineReader, id: string): Promise<Row> {
  return (await line.rows(id))[0] as Row;
}

/** The server stores both of two equal keys of one request; Sluice never sends such a one. */
async function double(collection: string, row: Row): Promise<void> {
  const milvus = new MilvusClient({ ...sharedStack().milvus, telemetry: { enabled: false } });
  try {
    const wire = { ...row, tenant: '', vector: [...row.vector] };
    await milvus.upsert({ collection_name: collection, data: [wire, wire] as never });
  } finally {
    await milvus.closeConnection();
  }
}

test('every kind of fault is found and mended, and nothing that the ledger does not know is deleted', async () => {
  const sluice = createSluice(testLine());
  await sluice.ingest(['-'], documents);
  const line = await readLine(sluice.line);
  closing.push(() => line.close());
  const { collection } = line.info;
  const upsert = (row: Row) => line.store.upsert(collection, [row]);

  await line.store.deleteKeys(collection, [(await rowOf(line, 'lost')).id]);
  await double(collection, await rowOf(line, 'doubled'));
  const stale = await rowOf(line, 'stale');
  const older = String(BigInt(stale.rev) - 1n);
  await upsert({ ...stale, id: chunkId(line.key('stale'), older, 0), rev: older });
  const longer = await rowOf(line, 'longer');
  await upsert({ ...longer, vector: longer.vector.map((value) => value * 2) });
  await upsert({ ...(await rowOf(line, 'forged')), doc_hash: 'x'.repeat(22) });
  const copied = await rowOf(line, 'copied');
  const nobody = documentKey({ line: sluice.line, id: 'nobody' });
  await upsert({ ...copied, id: chunkId(nobody, copied.rev, 0), doc_id: 'nobody' });

  const found = {
    missing: 1,
    doubled: 1,
    stale_revision: 1,
    wrong_norm: 1,
    wrong_fingerprint: 1,
    orphan: 1,
  };
  const looked = await sluice.run(['verify', '--json']);
  expect([looked.code, looked.lines.at(-1)]).toMatchObject([3, { documents: 7, faults: found, mended: 0, left: 6 }]);

  const repaired = await sluice.run(['verify', '--repair', '--json']);
  expect(repaired.code).toBe(3);
  expect(
    Object.fromEntries(repaired.lines.filter(({ type }) => type === 'fault').map(({ kind, repair }) => [kind, repair])),
  ).toEqual({
    missing: 'again',
    doubled: 'mended',
    stale_revision: 'mended',
    wrong_norm: 'again',
    wrong_fingerprint: 'again',
    orphan: 'mended',
  });

  // A Milvus that is killed now may forget what was deleted; the workers know what it was.
  expect((await line.ledger.lateDeletions()).map(({ from }) => from).sort()).toEqual(
    [revisionKey(line.key('stale'), older), revisionKey(nobody, copied.rev)].sort(),
  );

  // What was distrusted counts as changed, and nothing else does.
  const again = await sluice.ingest(['-'], documents);
  expect(again.documents).toMatchObject({ unchanged: 4, accepted: 3, stored: 3 });
  const right = await sluice.run(['verify']);
  expect([right.code, right.stdout]).toEqual([0, expect.stringMatching(/^Right .*7 documents and 7 rows compared/)]);
  expect(await line.countRows()).toBe(7);

  // A row of a revision that this ledger never gave away: the ledger may have been lost, so it stays.
  await upsert({ ...copied, id: chunkId(nobody, '7', 0), doc_id: 'nobody', rev: '7' });
  const left = await sluice.run(['verify', '--repair']);
  expect([left.code, left.stdout]).toEqual([3, expect.stringMatching(/orphan +nobody +1 .*left/)]);
  expect(await line.countRows()).toBe(8);
});
