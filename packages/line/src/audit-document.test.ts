import { chunkId, documentKey } from '@sluice/core';
import type { DocumentState } from '@sluice/queue';
import type { AuditRow } from '@sluice/store';
import { describe, expect, test } from 'vitest';
import { faultsOf } from './audit-document.ts';

const line = { name: 'main', storedDimension: 2 };
const key = documentKey({ line: 'main', id: 'doc' });
const hash = 'h'.repeat(22);

function row(revision: string, ordinal: number, changes: Partial<AuditRow> = {}): AuditRow {
  return {
    id: chunkId(key, revision, ordinal),
    doc_id: 'doc',
    rev: revision,
    ordinal,
    chunk_count: 2,
    doc_hash: hash,
    vector: Float32Array.of(0.6, 0.8),
    ...changes,
  };
}

/** Revision 20 of two chunks is stored. */
const stored: DocumentState = {
  key,
  state: 'stored',
  currentRevision: '20',
  chunkCount: 2,
  stored: 2,
  dead: 0,
  hash,
  wholeRevision: '20',
  wholeChunkCount: 2,
  wholeHash: hash,
  preparedRevisions: [],
  reservedRevisions: [],
  settling: false,
};
const kinds = (state: DocumentState | undefined, rows: AuditRow[]) =>
  faultsOf(line, state, rows).map(({ kind, revision, ordinals }) => `${kind} ${revision} ${ordinals}`);

describe('the rows of one document', () => {
  test('a stored document with exactly its rows has no fault', () => {
    expect(kinds(stored, [row('20', 0), row('20', 1)])).toEqual([]);
  });

  test('each fault has its own kind', () => {
    expect(kinds(stored, [row('20', 1)])).toEqual(['missing 20 0']);
    expect(kinds(stored, [])).toEqual(['missing 20 0,1']);
    expect(kinds(stored, [row('10', 0), row('20', 0), row('20', 1)])).toEqual(['stale_revision 10 0']);
    expect(kinds(undefined, [row('20', 0)])).toEqual(['orphan 20 0']);
    const wrong = (changes: Partial<AuditRow>) => kinds(stored, [row('20', 0, changes), row('20', 1)]);
    expect(wrong({ vector: Float32Array.of(1) })).toEqual(['wrong_dimension 20 0']);
    expect(wrong({ vector: Float32Array.of(0.6, 0.9) })).toEqual(['wrong_norm 20 0']);
    expect(wrong({ vector: Float32Array.of(Number.NaN, 1) })).toEqual(['wrong_norm 20 0']);
    for (const changes of [
      { doc_hash: 'other' },
      { doc_id: 'another' },
      { tenant: 'a' },
      { rev: '21' },
      { chunk_count: 3 },
    ])
      expect(wrong(changes)).toEqual(['wrong_fingerprint 20 0']);
  });

  test('what is on its way is no fault: a prepared revision, an older whole one, rows that a settlement removes', () => {
    const open: DocumentState = {
      ...stored,
      state: 'open',
      currentRevision: '30',
      stored: 1,
      wholeRevision: '20',
      preparedRevisions: ['40'],
    };
    const rows = [row('20', 0), row('20', 1), row('30', 1), row('40', 0)];
    expect(kinds(open, rows)).toEqual([]);
    expect(kinds({ ...open, stored: 2 }, rows)).toEqual(['missing 30 0']);
    const settling: DocumentState = {
      ...stored,
      state: 'open',
      currentRevision: '30',
      wholeRevision: '30',
      settling: true,
    };
    expect(kinds(settling, [row('20', 0), row('30', 0), row('30', 1)])).toEqual([]);
    const deleted: DocumentState = { ...stored, state: 'deleted', currentRevision: '30', chunkCount: 0, stored: 0 };
    delete deleted.wholeRevision;
    expect(kinds({ ...deleted, settling: true }, [row('20', 0)])).toEqual([]);
    expect(kinds(deleted, [row('20', 0)])).toEqual(['orphan 20 0']);
  });

  test('a distrusted document is not blamed for its content a second time', () => {
    const distrusted: DocumentState = { ...stored, hash: '-'.repeat(22), wholeHash: '-'.repeat(22) };
    expect(kinds(distrusted, [row('20', 0), row('20', 1)])).toEqual([]);
  });
});
