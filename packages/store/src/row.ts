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

/** A row that Milvus will take, each column as it goes on the wire. */
export interface CheckedRow {
  values: Omit<Row, 'rev' | 'metadata' | 'tenant'> & {
    rev: number;
    /** JSON. */
    metadata: string;
    /** '' where there is none. */
    tenant: string;
  };
  /** Bytes of each string in UTF-8. */
  lengths: Record<'id' | 'text' | 'doc_id' | 'chunk_hash' | 'doc_hash' | 'tenant' | 'metadata', number>;
  /** Size in a request, about. */
  bytes: number;
}

/** Throws `row_refused`, naming row and field, or `wrong_dimension`. */
export function checkRow(row: Row, dimension: number): CheckedRow {
  parseChunkId(row.id);
  const { tenant = '' } = row;
  const metadata = JSON.stringify(row.metadata);
  const lengths = {
    id: row.id.length,
    text: checkText(row, 'text', row.text, LIMITS.text),
    doc_id: checkText(row, 'doc_id', row.doc_id, LIMITS.doc_id),
    chunk_hash: checkText(row, 'chunk_hash', row.chunk_hash, LIMITS.hash),
    doc_hash: checkText(row, 'doc_hash', row.doc_hash, LIMITS.hash),
    tenant: checkText(row, 'tenant', tenant, LIMITS.tenant),
    metadata: checkText(row, 'metadata', metadata, LIMITS.metadata),
  };
  for (const field of ['ordinal', 'chunk_count'] as const) checkInteger(row, field, row[field], 2 ** 31 - 1);
  for (const field of ['start', 'end'] as const) checkInteger(row, field, row[field], Number.MAX_SAFE_INTEGER);
  const rev = /^\d+$/.test(row.rev) ? Number(row.rev) : Number.NaN;
  checkInteger(row, 'rev', rev, Number.MAX_SAFE_INTEGER);
  checkVector(row, dimension);
  const strings = lengths.text + lengths.metadata + lengths.doc_id + lengths.tenant;
  return { values: { ...row, rev, metadata, tenant }, lengths, bytes: strings + dimension * 4 + 200 };
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

/** Float32 values cannot overflow a sum in double precision: it is finite if and only if all of them are. */
function checkVector(row: Row, dimension: number): void {
  const { vector } = row;
  if (vector.length !== dimension) {
    throw new SluiceError('wrong_dimension', {
      message: 'The vector has another dimension than the collection',
      where: `row ${row.id}`,
      expected: String(dimension),
      got: String(vector.length),
    });
  }
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += vector[i]!;
  if (Number.isFinite(sum)) return;
  throw refused(row, 'vector', 'finite numbers', String(vector.find((value) => !Number.isFinite(value))));
}

function checkText(row: Row, field: keyof Row, text: string, limit: number): number {
  if (!text.isWellFormed()) throw refused(row, field, 'well-formed Unicode', 'a lone surrogate');
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > limit) throw refused(row, field, `at most ${limit} bytes`, `${bytes} bytes`);
  return bytes;
}

function checkInteger(row: Row, field: keyof Row, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return;
  throw refused(row, field, `an integer from 0 to ${most}`, String(row[field]).slice(0, 30));
}

function refused(row: Row, field: keyof Row, expected: string, got: string): SluiceError {
  return new SluiceError('row_refused', {
    message: 'Milvus cannot keep this row',
    where: `row ${row.id}, field ${field}`,
    expected,
    got,
  });
}
