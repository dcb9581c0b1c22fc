/** What the rows of one document say of its revisions. Pure. */
import { documentKey, parseChunkId, type Revision } from '@sluice/core';
import type { RowHead } from '@sluice/store';

export interface FoundRevision {
  revision: Revision;
  rows: number;
  /** Every chunk is there, and all rows say the same of their document; otherwise undefined. */
  whole: { hash: string; chunkCount: number } | undefined;
}

/** As long as a content hash is. */
const HASH = /^[\w-]{22}$/;

/** Newest first. */
export function revisionsOf(line: string, rows: readonly RowHead[]): FoundRevision[] {
  const byRevision = Map.groupBy(rows, ({ id }) => parseChunkId(id).revision);
  return [...byRevision]
    .map(([revision, found]) => ({ revision, rows: found.length, whole: wholeOf(line, found) }))
    .sort((a, b) => (BigInt(a.revision) < BigInt(b.revision) ? 1 : -1));
}

function wholeOf(line: string, rows: readonly RowHead[]): FoundRevision['whole'] {
  const [first] = rows;
  if (first === undefined || !HASH.test(first.doc_hash)) return undefined;
  const { chunk_count: chunkCount, doc_hash: hash, doc_id: id, tenant } = first;
  const { key, revision } = parseChunkId(first.id);
  if (documentKey({ line, tenant, id }) !== key) return undefined;
  const agrees = (row: RowHead) =>
    row.chunk_count === chunkCount &&
    row.doc_hash === hash &&
    row.doc_id === id &&
    row.tenant === tenant &&
    row.rev === revision &&
    row.ordinal === parseChunkId(row.id).ordinal &&
    row.ordinal < chunkCount;
  const ordinals = new Set(rows.map(({ ordinal }) => ordinal));
  return ordinals.size === chunkCount && rows.every(agrees) ? { hash, chunkCount } : undefined;
}
