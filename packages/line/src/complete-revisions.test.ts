import { chunkId, documentKey } from '@sluice/core';
import type { RowHead } from '@sluice/store';
import { expect, test } from 'vitest';
import { revisionsOf } from './complete-revisions.ts';

const key = documentKey({ line: 'main', id: 'doc' });
const hash = 'h'.repeat(22);

function row(revision: string, ordinal: number, other: Partial<RowHead> = {}): RowHead {
  const id = chunkId(key, revision, ordinal);
  return { id, doc_id: 'doc', rev: revision, ordinal, chunk_count: 2, doc_hash: hash, ...other };
}

test('the newest revision comes first, and one is whole only with every chunk', () => {
  const found = revisionsOf('main', [row('7', 0), row('7', 1), row('12', 0)]);
  expect(found).toEqual([
    { revision: '12', rows: 1, whole: undefined },
    { revision: '7', rows: 2, whole: { hash, chunkCount: 2 } },
  ]);
});

test('rows that contradict their key or each other make nothing whole', () => {
  const wrong: Partial<RowHead>[] = [
    { doc_id: 'other' },
    { tenant: 'somebody' },
    { doc_hash: 'x'.repeat(22) },
    { doc_hash: 'short' },
    { chunk_count: 3 },
    { rev: '8' },
    { ordinal: 0 },
  ];
  for (const other of wrong) {
    expect(revisionsOf('main', [row('7', 0), row('7', 1, other)])[0]!.whole, JSON.stringify(other)).toBeUndefined();
  }
});
