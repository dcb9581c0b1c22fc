/**
 * The whole collection in pages, for comparing it with the ledger: id prefixes are divided until their ids can be listed, and the
 * lists cut into pages. Every read is Strong. A server that stored a key twice shows one row of it and counts two, so each page is counted beside it.
 */
import { grouped, type IdRange, inRange, prefixRange } from './id-filter.ts';
import type { Milvus } from './milvus-client.ts';
import { query } from './reader.ts';
import { fromWire, LIMITS, type StoredRow } from './row.ts';

/** A row without its text and metadata. */
export type AuditRow = Pick<StoredRow, 'id' | 'doc_id' | 'tenant' | 'rev' | 'ordinal' | 'chunk_count' | 'doc_hash'> & {
  vector: Float32Array;
};

/** A row without its vector: what it says of its document. */
export type RowHead = Omit<AuditRow, 'vector'>;

interface Page<R> {
  /** Sorted by id. Pages come in order of their ids; a document may go on in the next page. */
  rows: R[];
  /** Ids that are stored more than once. */
  doubled: string[];
}

export type AuditPage = Page<AuditRow>;
export type HeadPage = Page<RowHead>;

const HEAD_FIELDS = ['id', 'doc_id', 'tenant', 'rev', 'ordinal', 'chunk_count', 'doc_hash'];
/** Of 1,024 dimensions: 8 MB, and some pages are read at once. */
const PAGE_ROWS = 2_000;
/** What Milvus gives in one answer, and below it what is listed: some may come in between. */
const MOST_IDS = 16_384;
const LISTED_IDS = 12_000;
const HEX = [...'0123456789abcdef'];
/** A Strong read waits for a time tick whatever it reads: some at a time cost the same. */
const PAGES_AT_ONCE = 4;

export function auditRows(
  milvus: Milvus,
  collection: string,
  { pageRows = PAGE_ROWS, listedIds = LISTED_IDS }: { pageRows?: number; listedIds?: number } = {},
): AsyncIterable<AuditPage> {
  return pagesOf<AuditRow>(milvus, collection, { pageRows, listedIds, fields: [...HEAD_FIELDS, 'vector'] }, 'd');
}

export function rowHeads(milvus: Milvus, collection: string): AsyncIterable<HeadPage> {
  return pagesOf<RowHead>(milvus, collection, { pageRows: PAGE_ROWS, listedIds: LISTED_IDS, fields: HEAD_FIELDS }, 'd');
}

async function* pagesOf<R extends RowHead>(
  milvus: Milvus,
  collection: string,
  how: { pageRows: number; listedIds: number; fields: string[] },
  prefix: string,
): AsyncGenerator<Page<R>> {
  const { pageRows, listedIds, fields } = how;
  const range = prefixRange(prefix);
  const count = await countIn(milvus, collection, range);
  if (count > listedIds && prefix.length < LIMITS.id) {
    for (const digit of HEX) yield* pagesOf<R>(milvus, collection, how, prefix + digit);
  } else if (count > pageRows) {
    for (const together of grouped(await pagesIn(milvus, collection, range, pageRows), PAGES_AT_ONCE)) {
      yield* await Promise.all(together.map((page) => readPage<R>(milvus, collection, page, fields)));
    }
  } else if (count > 0) yield await readPage<R>(milvus, collection, range, fields);
}

/** The range in parts that follow on each other, with so many ids each at the time of asking. */
async function pagesIn(milvus: Milvus, collection: string, range: IdRange, pageRows: number): Promise<IdRange[]> {
  const found = await query(milvus, collection, { filter: inRange(range), fields: ['id'], limit: MOST_IDS });
  const ids = found.map(({ id }) => String(id)).sort();
  const starts = [
    range.from,
    ...grouped(ids, pageRows)
      .map((page) => page[0]!)
      .slice(1),
  ];
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? range.to }));
}

/** Rows whose ids are not of our form, so that no document has them. */
export async function countForeign(milvus: Milvus, collection: string): Promise<number> {
  const [row] = await query(milvus, collection, { filter: 'id < "d" or id >= "dg"', fields: ['count(*)'] });
  return Number(row?.['count(*)'] ?? 0);
}

async function readPage<R extends RowHead>(
  milvus: Milvus,
  collection: string,
  range: IdRange,
  fields: string[],
): Promise<Page<R>> {
  // Writes may come between the two; what counts as doubled is decided key by key.
  const found = await query(milvus, collection, { filter: inRange(range), fields, limit: PAGE_ROWS * 2 });
  const rows = found.map((row) => fromWire(row) as RowHead as R).sort((a, b) => (a.id < b.id ? -1 : 1));
  const doubled = await findDoubled(
    milvus,
    collection,
    rows.map(({ id }) => id),
  );
  return { rows, doubled };
}

/** Halves what counts more rows than it has keys, down to one key. */
async function findDoubled(milvus: Milvus, collection: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const count = await countIn(milvus, collection, { from: ids[0]!, to: `${ids.at(-1)!}g` });
  if (count <= ids.length) return [];
  if (ids.length === 1) return [...ids];
  const middle = ids.length >> 1;
  return [
    ...(await findDoubled(milvus, collection, ids.slice(0, middle))),
    ...(await findDoubled(milvus, collection, ids.slice(middle))),
  ];
}

async function countIn(milvus: Milvus, collection: string, range: IdRange): Promise<number> {
  const [row] = await query(milvus, collection, { filter: inRange(range), fields: ['count(*)'] });
  return Number(row?.['count(*)'] ?? 0);
}
