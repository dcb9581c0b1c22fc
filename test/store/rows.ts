/** Rows for tests of the store: unit vectors that follow from the id, so that equality can be checked afterwards. */
import { createHash } from 'node:crypto';
import { chunkHash, chunkId, type DocumentKey, documentKey, type Revision, type Space } from '@sluice/core';
import type { Row } from '@sluice/store';

export function testSpace(change: Partial<Space> = {}): Space {
  return {
    model: 'test-model',
    modelRevision: 'r1',
    task: 'retrieval.passage',
    instruction: 'Represent: ',
    fullDimension: 64,
    storedDimension: 16,
    ...change,
  };
}

export function testKey(line: string, id: string, tenant?: string): DocumentKey {
  return documentKey({ line, id, tenant });
}

export function testRow(
  {
    line,
    id,
    tenant,
    revision,
    ordinal,
    of = 1,
  }: {
    line: string;
    id: string;
    tenant?: string;
    revision: Revision;
    ordinal: number;
    of?: number;
  },
  change: Partial<Row> = {},
): Row {
  const text = change.text ?? `${id} ${ordinal}`;
  return {
    id: chunkId(testKey(line, id, tenant), revision, ordinal),
    doc_id: id,
    rev: revision,
    ordinal,
    chunk_count: of,
    chunk_hash: chunkHash(text),
    doc_hash: chunkHash(`${id}@${revision}`),
    text,
    start: ordinal * 10,
    end: ordinal * 10 + 10,
    metadata: { heading: ['A', 'B'] },
    vector: testVector(text),
    ...(tenant !== undefined && { tenant }),
    ...change,
  };
}

export function testVector(seed: string, dimension = 16): Float32Array {
  const bytes = createHash('shake256', { outputLength: dimension }).update(seed).digest();
  const raw = Array.from(bytes, (byte) => byte - 127.5);
  const norm = Math.hypot(...raw);
  return Float32Array.from(raw, (value) => value / norm);
}
