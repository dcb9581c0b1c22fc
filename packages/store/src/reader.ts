/**
 * Reading rows. Every read that decides something is Strong, written as a string (the SDK drops the number 0 from a search),
 * and costs a time tick of 0.2 s however small; so many documents share one query. Lists go by id range: no server promises
 * an order, and none answers more than 16,384 rows.
 */
import { type DocumentKey, parseChunkId, type Revision, revisionKey } from '@sluice/core';
import type { ConsistencyLevelEnum } from '@zilliz/milvus2-sdk-node';
import { anyHash, grouped, type IdRange, inRange, inRanges, ofTenant, prefixRange } from './id-filter.ts';
import type { Milvus } from './milvus-client.ts';
import { fromWire, SCALAR_FIELDS, type StoredRow } from './row.ts';
import { searchParams } from './schema.ts';

export type Consistency = 'Strong' | 'Session' | 'Bounded' | 'Eventually';

export interface Hit extends StoredRow {
  /** Cosine similarity, -1 to 1. */
  score: number;
}

/** The chunk hashes of one document that are wanted from its revisions before this one. */
export interface VectorWant {
  key: DocumentKey;
  hashes: string[];
  before: Revision;
}

const MAX_ROWS = 16_384;
/** Full rows in one reply: 256 of the largest are 20 MB. */
const PAGE_ROWS = 256;
const PAGES_AT_ONCE = 4;
const HASHES_A_QUERY = 512;
/** A miss beyond this costs an embedding, nothing else. */
const VECTORS_A_QUERY = 2_048;
const KEYS_A_QUERY = 100;

/** What is there; a hash that is absent in the answer is a miss. Of several rows the newest revision's counts. */
export async function findVectors(
  milvus: Milvus,
  collection: string,
  wants: readonly VectorWant[],
): Promise<Map<DocumentKey, Map<string, Float32Array>>> {
  const found = new Map<DocumentKey, Map<string, Float32Array>>();
  for (const group of groupedByHashes(wants)) {
    const filter = group
      .map(
        ({ key, before, hashes }) => `(${inRange({ from: key, to: revisionKey(key, before) })} and ${anyHash(hashes)})`,
      )
      .join(' or ');
    const rows = await query(milvus, collection, {
      filter,
      fields: ['id', 'chunk_hash', 'vector'],
      limit: VECTORS_A_QUERY,
    });
    rows.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
    for (const row of rows) {
      const { key } = parseChunkId(String(row.id));
      const ofKey = found.get(key) ?? new Map<string, Float32Array>();
      found.set(key, ofKey);
      ofKey.set(String(row.chunk_hash), Float32Array.from(row.vector as number[]));
    }
  }
  return found;
}

/** Rows of one document, all revisions or one, ordered by revision and ordinal. */
export async function rowsOf(
  milvus: Milvus,
  collection: string,
  key: DocumentKey,
  { revision, vectors = false }: { revision?: Revision; vectors?: boolean } = {},
): Promise<StoredRow[]> {
  const range = prefixRange(revision === undefined ? key : revisionKey(key, revision));
  const fields = vectors ? [...SCALAR_FIELDS, 'vector'] : [...SCALAR_FIELDS];
  const read = (part: IdRange) => query(milvus, collection, { filter: inRange(part), fields, limit: PAGE_ROWS });

  let rows = await read(range);
  if (rows.length >= PAGE_ROWS) {
    const ids = await listIds(milvus, collection, range);
    rows = [];
    const pages = grouped(ids, PAGE_ROWS - 1).map((page) => ({ from: page[0]!, to: `${page.at(-1)!}g` }));
    for (const together of grouped(pages, PAGES_AT_ONCE)) {
      rows.push(...(await Promise.all(together.map(read))).flat());
    }
  }
  return rows.map(fromWire).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The document ids behind keys. A key without rows is absent in the answer. */
export async function documentIds(
  milvus: Milvus,
  collection: string,
  keys: readonly DocumentKey[],
): Promise<Map<DocumentKey, { id: string; tenant?: string }>> {
  const names = new Map<DocumentKey, { id: string; tenant?: string }>();
  const fields = ['id', 'doc_id', 'tenant'];
  const take = (rows: Record<string, unknown>[]) => {
    for (const row of rows) {
      const tenant = String(row.tenant);
      names.set(parseChunkId(String(row.id)).key, { id: String(row.doc_id), ...(tenant !== '' && { tenant }) });
    }
  };
  for (const group of grouped(keys, KEYS_A_QUERY)) {
    const filter = `ordinal == 0 and (${inRanges(group.map(prefixRange))})`;
    take(await query(milvus, collection, { filter, fields, limit: MAX_ROWS }));
  }
  // Documents whose first chunk is dead.
  const missing = keys.filter((key) => !names.has(key));
  for (const together of grouped(missing, PAGES_AT_ONCE)) {
    const found = await Promise.all(
      together.map((key) => query(milvus, collection, { filter: inRange(prefixRange(key)), fields, limit: 1 })),
    );
    take(found.flat());
  }
  return names;
}

/** Rows that a reader would get, counted by Milvus now. */
export async function countRows(milvus: Milvus, collection: string, prefixes: readonly string[] = []): Promise<number> {
  const filter = inRanges(prefixes.map(prefixRange));
  const [row] = await query(milvus, collection, { filter, fields: ['count(*)'] });
  return Number(row?.['count(*)'] ?? 0);
}

/** At most `k` rows, best first. With a tenant only its rows. */
export async function search(
  milvus: Milvus,
  collection: string,
  vector: Float32Array,
  { k, tenant, consistency = 'Strong' }: { k: number; tenant?: string; consistency?: Consistency },
): Promise<Hit[]> {
  const reply = await milvus.callLoaded(`search ${collection}`, collection, () =>
    milvus.sdk.search({
      collection_name: collection,
      anns_field: 'vector',
      data: Array.from(vector),
      limit: Math.min(k, MAX_ROWS),
      params: searchParams(k),
      output_fields: [...SCALAR_FIELDS],
      consistency_level: asLevel(consistency),
      ...(tenant !== undefined && { filter: ofTenant(tenant) }),
      timeout: milvus.timeoutMs,
    }),
  );
  return reply.results.map((hit) => ({ ...fromWire(hit), score: hit.score }));
}

/** Sorted. Where a reply is full its range is halved at the middle of what came, so both halves hold fewer. */
async function listIds(milvus: Milvus, collection: string, range: IdRange): Promise<string[]> {
  const rows = await query(milvus, collection, { filter: inRange(range), fields: ['id'], limit: MAX_ROWS });
  const ids = rows.map(({ id }) => String(id)).sort();
  if (ids.length < MAX_ROWS) return ids;
  const middle = ids[ids.length >> 1]!;
  return [
    ...(await listIds(milvus, collection, { from: range.from, to: middle })),
    ...(await listIds(milvus, collection, { from: middle, to: range.to })),
  ];
}

/** Strong. */
export async function query(
  milvus: Milvus,
  collection: string,
  { filter, fields, limit }: { filter: string; fields: string[]; limit?: number },
): Promise<Record<string, unknown>[]> {
  const { data } = await milvus.callLoaded(`query ${collection}`, collection, () =>
    milvus.sdk.query({
      collection_name: collection,
      filter,
      output_fields: fields,
      consistency_level: asLevel('Strong'),
      ...(limit !== undefined && { limit }),
      timeout: milvus.timeoutMs,
    }),
  );
  return data;
}

/** Wants of one document together, and not too many hashes a query. */
function groupedByHashes(wants: readonly VectorWant[]): VectorWant[][] {
  const groups: VectorWant[][] = [];
  let group: VectorWant[] = [];
  let size = 0;
  for (const want of wants) {
    for (const hashes of grouped([...new Set(want.hashes)], HASHES_A_QUERY)) {
      if (size + hashes.length > HASHES_A_QUERY || group.length === KEYS_A_QUERY) {
        groups.push(group);
        group = [];
        size = 0;
      }
      group.push({ ...want, hashes });
      size += hashes.length;
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** The SDK's type wants its enum, its code takes the name, and only the name survives its falsy check. */
function asLevel(consistency: Consistency): ConsistencyLevelEnum {
  return consistency as unknown as ConsistencyLevelEnum;
}
