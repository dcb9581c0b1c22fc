/**
 * The default row: what a chunk is in Milvus. Everything is checked before it is sent, because one value that Milvus refuses
 * fails its whole request, and some servers store what others refuse (milvus-lite keeps NaN and counts characters instead
 * of bytes).
 */
import { MAX_ID_BYTES, MAX_TENANT_BYTES, type Metadata, parseChunkId, type Revision, SluiceError } from '@sluice/core';

export interface Row {
  /** Chunk id: `d` and 38 hex characters. */
  id: string;
  doc_id: string;
  rev: Revision;
  ordinal: number;
  /** Chunks of this revision: the collection alone can say whether a document is complete. */
  chunk_count: number;
  /** Hash of the embedded text. */
  chunk_hash: string;
  /** Content hash of the document. */
  doc_hash: string;
  text: string;
  /** UTF-16 offsets into the source. */
  start: number;
  end: number;
  /** The document's metadata; the heading path is in `heading`. */
  metadata: Metadata;
  /** Unit length, of the collection's dimension. */
  vector: Float32Array;
  /** Absent where there is none. */
  tenant?: string;
}

/** A row as it was read; its vector only where it was asked for. */
export type StoredRow = Omit<Row, 'vector'> & { vector?: Float32Array };

/** Milvus limits, in bytes. */
export const LIMITS = {
  text: 65_535,
  doc_id: MAX_ID_BYTES,
  tenant: MAX_TENANT_BYTES,
  hash: 64,
  metadata: 65_536,
  id: 39,
} as const;

export const SCALAR_FIELDS = [
  'id',
  'doc_id',
  'rev',
  'ordinal',
  'chunk_count',
  'chunk_hash',
  'doc_hash',
  'text',
  'start',
  'end',
  'metadata',
  'tenant',
] as const;

/** Throws `row_refused`, naming row and field, or `wrong_dimension`. Returns the row's size on the wire, about, in bytes. */
export function checkRow(row: Row, dimension: number): number {
  parseChunkId(row.id);
  let bytes = dimension * 4 + 200;
  for (const [field, limit] of [
    ['text', LIMITS.text],
    ['doc_id', LIMITS.doc_id],
    ['chunk_hash', LIMITS.hash],
    ['doc_hash', LIMITS.hash],
  ] as const) {
    bytes += checkText(row, field, row[field], limit);
  }
  bytes += checkText(row, 'tenant', row.tenant ?? '', LIMITS.tenant);
  bytes += checkText(row, 'metadata', JSON.stringify(row.metadata), LIMITS.metadata);
  for (const field of ['ordinal', 'chunk_count', 'start', 'end'] as const) {
    const value = row[field];
    if (!Number.isSafeInteger(value) || value < 0) throw refused(row, field, 'an integer from 0', String(value));
  }
  if (!/^\d{1,18}$/.test(row.rev)) throw refused(row, 'rev', 'a decimal string', row.rev.slice(0, 30));
  if (row.vector.length !== dimension) {
    throw new SluiceError('wrong_dimension', {
      message: 'The vector has another dimension than the collection',
      where: `row ${row.id}`,
      expected: String(dimension),
      got: String(row.vector.length),
    });
  }
  for (const value of row.vector) {
    if (!Number.isFinite(value)) throw refused(row, 'vector', 'finite numbers', String(value));
  }
  return bytes;
}

/** For the SDK: it takes plain arrays, and int64 as decimal strings. */
export function toWire(row: Row): Record<string, unknown> {
  return { ...row, tenant: row.tenant ?? '', vector: Array.from(row.vector) };
}

export function fromWire(data: Record<string, unknown>): StoredRow {
  const row = {
    id: String(data.id),
    doc_id: String(data.doc_id),
    rev: String(data.rev),
    ordinal: Number(data.ordinal),
    chunk_count: Number(data.chunk_count),
    chunk_hash: String(data.chunk_hash),
    doc_hash: String(data.doc_hash),
    text: String(data.text),
    start: Number(data.start),
    end: Number(data.end),
    metadata: data.metadata as Metadata,
    ...(typeof data.tenant === 'string' && data.tenant !== '' && { tenant: data.tenant }),
    ...(Array.isArray(data.vector) && { vector: Float32Array.from(data.vector as number[]) }),
  };
  return row;
}

function checkText(row: Row, field: keyof Row, text: string, limit: number): number {
  if (!text.isWellFormed()) throw refused(row, field, 'well-formed Unicode', 'a lone surrogate');
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > limit) throw refused(row, field, `at most ${limit} bytes`, `${bytes} bytes`);
  return bytes;
}

function refused(row: Row, field: keyof Row, expected: string, got: string): SluiceError {
  return new SluiceError('row_refused', {
    message: 'Milvus cannot keep this row',
    where: `row ${row.id}, field ${field}`,
    expected,
    got,
  });
}
