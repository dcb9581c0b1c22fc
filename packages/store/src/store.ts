/** The store: Milvus as a line sees it. Errors are SluiceErrors whose verdict says what the failure means for the work. */
import { type DocumentKey, type Revision, SluiceError, type Space, type SpaceProof } from '@sluice/core';
import { type AuditPage, auditRows, countForeign, type HeadPage, rowHeads } from './audit.ts';
import { type Assumption, conformance } from './conformance.ts';
import type { IdRange } from './id-filter.ts';
import type { LineInfo } from './line-properties.ts';
import {
  describeLine,
  dropLine,
  listLines,
  type OpenedLine,
  type OpenLineOptions,
  openLine,
  recordProof,
  requireSpace,
} from './lines.ts';
import { connectMilvus, type StoreOptions } from './milvus-client.ts';
import {
  type Consistency,
  countRows,
  documentIds,
  findVectors,
  type Hit,
  rowsOf,
  search,
  type VectorWant,
} from './reader.ts';
import type { Row, StoredRow } from './row.ts';
import { type SampledRow, sampleRows } from './sample.ts';
import { createSlabs } from './slabs.ts';
import { storeError } from './store-errors.ts';
import { createTurns } from './turns.ts';
import { createWritePace } from './write-pace.ts';
import { deleteKeys, deleteRanges, upsertRows } from './writer.ts';

export interface Store {
  /**
   * Opens the line's collection; creates it (index, load) on first use. Throws `space_drift` and `schema_drift`, which name
   * the differences and the ways out.
   */
  openLine(options: OpenLineOptions): Promise<OpenedLine>;
  /** undefined where there is no such line. */
  describeLine(line: string): Promise<LineInfo | undefined>;
  listLines(): Promise<LineInfo[]>;
  /** False where there was none. */
  dropLine(line: string): Promise<boolean>;
  /** Throws `space_drift` naming every difference. */
  requireSpace(info: LineInfo, space: Space): void;
  /** Keeps, beside the fingerprint, which engine was seen to be right for the space; in the place of an earlier one. */
  recordProof(collection: string, proof: SpaceProof): Promise<void>;

  /** Resolves when every row is acknowledged. Equal keys within a call are refused. */
  upsert(collection: string, rows: readonly Row[]): Promise<void>;
  deleteKeys(collection: string, ids: readonly string[]): Promise<void>;
  /** Deletes every row with `from <= id < to` of each range, many ranges a request. */
  deleteRanges(collection: string, ranges: readonly IdRange[]): Promise<void>;

  /** Vectors of older revisions by chunk hash, for reuse. What is absent in the answer is a miss. */
  findVectors(collection: string, wants: readonly VectorWant[]): Promise<Map<DocumentKey, Map<string, Float32Array>>>;
  /** Rows of one document, ordered by revision and ordinal. */
  rowsOf(
    collection: string,
    key: DocumentKey,
    options?: { revision?: Revision; vectors?: boolean },
  ): Promise<StoredRow[]>;
  documentIds(
    collection: string,
    keys: readonly DocumentKey[],
  ): Promise<Map<DocumentKey, { id: string; tenant?: string }>>;
  /** Of ids with one of these prefixes; without any, of all. */
  countRows(collection: string, prefixes?: readonly string[]): Promise<number>;
  /** Every row whose id is of our form, in pages in the order of ids. */
  auditRows(collection: string, options?: { pageRows?: number; listedIds?: number }): AsyncIterable<AuditPage>;
  /** The same without vectors. */
  rowHeads(collection: string): AsyncIterable<HeadPage>;
  /** Rows whose id is of another form. */
  countForeign(collection: string): Promise<number>;
  /** At most `size` rows of documents from all over the collection. */
  sampleRows(collection: string, options: { size: number; field: 'vector' | 'text' }): Promise<SampledRow[]>;
  search(
    collection: string,
    vector: Float32Array,
    options: { k: number; tenant?: string; consistency?: Consistency },
  ): Promise<Hit[]>;

  /** Resolves when Milvus says that it is healthy; throws `store_busy` with its reasons, or `store_unreachable`. */
  checkHealth(): Promise<void>;
  /** Describes the collection and counts it with a Strong query: proof that this server answers for it now. */
  witness(collection: string): Promise<void>;
  version(): Promise<string>;
  /** What Sluice takes for granted of a Milvus, asked of this one in a scratch collection. */
  conformance(): AsyncIterable<Assumption>;
  close(): Promise<void>;
}

/** Throws `store_unreachable` or `store_refused_key`. */
export async function connectStore(options: StoreOptions): Promise<Store> {
  const milvus = await connectMilvus(options);
  const writing = {
    milvus,
    pace: createWritePace({ logger: options.logger }),
    turns: createTurns(),
    slabs: createSlabs(),
  };
  const dimensions = new Map<string, number>();

  return {
    async openLine(open) {
      const opened = await openLine(milvus, open);
      dimensions.set(opened.info.collection, opened.info.space.storedDimension);
      return opened;
    },
    describeLine: (line) => describeLine(milvus, line),
    listLines: () => listLines(milvus),
    async dropLine(line) {
      const dropped = await dropLine(milvus, line);
      dimensions.clear();
      return dropped;
    },
    requireSpace,
    recordProof: (collection, proof) => recordProof(milvus, collection, proof),
    upsert,
    deleteKeys: (collection, ids) => deleteKeys(milvus, collection, ids),
    deleteRanges: (collection, ranges) => deleteRanges(milvus, collection, ranges),
    findVectors: (collection, wants) => findVectors(milvus, collection, wants),
    rowsOf: (collection, key, read) => rowsOf(milvus, collection, key, read),
    documentIds: (collection, keys) => documentIds(milvus, collection, keys),
    countRows: (collection, prefixes) => countRows(milvus, collection, prefixes),
    auditRows: (collection, how) => auditRows(milvus, collection, how),
    rowHeads: (collection) => rowHeads(milvus, collection),
    countForeign: (collection) => countForeign(milvus, collection),
    sampleRows: (collection, options) => sampleRows(milvus, collection, options),
    search: (collection, vector, how) => search(milvus, collection, vector, how),
    async checkHealth() {
      const health = await milvus.sdk.checkHealth().catch((error: unknown) => {
        throw storeError(error, `check health ${milvus.address}`);
      });
      if (health.isHealthy) return;
      throw new SluiceError('store_busy', {
        message: 'Milvus is not healthy',
        where: milvus.address,
        got: health.reasons.join('; ').slice(0, 300),
      });
    },
    async witness(collection) {
      await countRows(milvus, collection);
    },
    async version() {
      const { version } = await milvus.sdk.getVersion().catch((error: unknown) => {
        throw storeError(error, `get version ${milvus.address}`);
      });
      return version;
    },
    conformance: () => conformance(milvus, upsert),
    close: () => milvus.close(),
  };

  async function upsert(collection: string, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    await upsertRows({ ...writing, collection, dimension: await dimensionOf(collection) }, rows);
  }

  async function dimensionOf(collection: string): Promise<number> {
    const known = dimensions.get(collection);
    if (known !== undefined) return known;
    const info = (await listLines(milvus)).find((line) => line.collection === collection);
    if (info === undefined) {
      throw new SluiceError('missing_collection', { message: 'The collection is not there', where: collection });
    }
    dimensions.set(collection, info.space.storedDimension);
    return info.space.storedDimension;
  }
}
