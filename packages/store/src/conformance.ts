/**
 * What Sluice takes for granted of a Milvus, asked of a real one: in a scratch collection made the way a line's is, and dropped
 * afterwards. Each assumption is held or not; one that is not says what the server did instead. The same suite runs in the tests.
 */
import { randomBytes } from 'node:crypto';
import { chunkId, documentKey, isSluiceError, revisionKey, type Space } from '@sluice/core';
import { inRange, prefixRange } from './id-filter.ts';
import type { LineInfo } from './line-properties.ts';
import { describeLine, dropLine, openLine } from './lines.ts';
import type { Milvus } from './milvus-client.ts';
import { countRows, query, rowsOf, search } from './reader.ts';
import type { Row } from './row.ts';
import { isSuccess } from './store-errors.ts';
import { deleteKeys, deleteRanges } from './writer.ts';

export interface Assumption {
  name:
    | 'properties'
    | 'upsert counts'
    | 'Strong reads'
    | 'key ranges'
    | 'deletes'
    | 'duplicate keys'
    | 'values'
    | 'search';
  /** What is taken for granted, in one sentence. */
  assumed: string;
  held: boolean;
  /** What the server did instead. */
  instead?: string;
}

const DIMENSION = 8;
const ROUNDS = 5;
const SPACE: Space = {
  model: 'none',
  modelRevision: '',
  task: 'conformance',
  instruction: '',
  fullDimension: DIMENSION,
  storedDimension: DIMENSION,
};

/** Nothing can be asked. A reply that a line would wait out, a wrong count, is an answer here. */
const AWAY: ReadonlySet<string> = new Set(['store_unreachable', 'store_busy']);

/** Writes rows as the line does. */
type Upsert = (collection: string, rows: readonly Row[]) => Promise<void>;

/** Yields as it goes. Throws `store_*` only where nothing can be asked at all. */
export async function* conformance(milvus: Milvus, upsert: Upsert): AsyncGenerator<Assumption> {
  const line = `doctor-${randomBytes(6).toString('hex')}`;
  const { info } = await openLine(milvus, { line, space: SPACE });
  const write = (...rows: Row[]) => upsert(info.collection, rows);
  try {
    for (const { name, assumed, ask } of checksOf(milvus, info, write)) {
      const instead = await ask().catch((error: unknown) => {
        if (isSluiceError(error) && AWAY.has(error.code)) throw error;
        return error instanceof Error ? error.message : String(error);
      });
      yield { name, assumed, held: instead === undefined, ...(instead !== undefined && { instead }) };
    }
  } finally {
    await dropLine(milvus, line);
  }
}

/** `ask` resolves with what the server did instead, or with nothing. */
interface Check extends Pick<Assumption, 'name' | 'assumed'> {
  ask(): Promise<string | undefined>;
}

function checksOf(
  milvus: Milvus,
  { line, collection, epoch }: LineInfo,
  write: (...rows: Row[]) => Promise<void>,
): Check[] {
  const key = (id: string) => documentKey({ line, id });
  const row = (id: string, revision: string, ordinal: number, other: Partial<Row> = {}): Row => ({
    id: chunkId(key(id), revision, ordinal),
    doc_id: id,
    rev: revision,
    ordinal,
    chunk_count: 1,
    chunk_hash: 'h'.repeat(22),
    doc_hash: 'd'.repeat(22),
    text: `${id} ${revision} ${ordinal}`,
    start: 0,
    end: 1,
    metadata: {},
    vector: Float32Array.from({ length: DIMENSION }, (_, i) => (i === ordinal % DIMENSION ? 1 : 0)),
    ...other,
  });
  const idsOf = async (prefix: string) =>
    (await query(milvus, collection, { filter: inRange(prefixRange(prefix)), fields: ['id'], limit: 1_000 }))
      .map(({ id }) => String(id))
      .sort();
  const differs = (got: readonly string[], want: readonly string[]) =>
    got.join() === [...want].sort().join() ? undefined : `${got.length} rows instead of ${want.length}`;

  return [
    {
      name: 'properties',
      assumed: 'a collection keeps properties with keys of our own, and adding one leaves the others',
      async ask() {
        await openLine(milvus, { line, space: SPACE, cut: 'cut00001' });
        const found = await describeLine(milvus, line);
        if (found?.epoch !== epoch) return `epoch ${found?.epoch} instead of ${epoch}`;
        return found.cuts.join() === 'cut00001' ? undefined : `cuts ${found.cuts.join()}`;
      },
    },
    {
      name: 'upsert counts',
      assumed: 'an upsert acknowledges every row, and the same keys again replace their rows',
      async ask() {
        const rows = Array.from({ length: 20 }, (_, i) => row('counted', '1', i));
        await write(...rows);
        await write(...rows.map((again) => ({ ...again, text: 'again' })));
        const stored = await rowsOf(milvus, collection, key('counted'));
        if (stored.some(({ text }) => text !== 'again')) return 'an older row was read after it was replaced';
        return stored.length === rows.length ? undefined : `${stored.length} rows instead of ${rows.length}`;
      },
    },
    {
      name: 'Strong reads',
      assumed: 'a Strong query sees every write that was acknowledged before it',
      async ask() {
        for (let round = 1; round <= ROUNDS; round += 1) {
          const written = row('strong', '1', 0, { text: `round ${round}` });
          await write(written);
          const [found] = await rowsOf(milvus, collection, key('strong'));
          if (found?.text !== written.text) return `after round ${round}: ${found?.text ?? 'nothing'}`;
        }
        return undefined;
      },
    },
    {
      name: 'key ranges',
      assumed:
        'ranges of keys joined by `or` read and delete exactly the rows between their ends, directly after a write',
      async ask() {
        const older = [row('a', '1', 0), row('a', '2', 0), row('b', '1', 0), row('b', '1', 1)];
        const newer = [row('a', '3', 0), row('b', '2', 0), row('c', '1', 0)];
        await write(...older, ...newer);
        const read = differs(await idsOf(key('a')), [...older, ...newer].filter((r) => r.doc_id === 'a').map(idOf));
        if (read !== undefined) return read;
        await deleteRanges(milvus, collection, [
          { from: key('a'), to: revisionKey(key('a'), '3') },
          { from: key('b'), to: revisionKey(key('b'), '2') },
        ]);
        const left = [...(await idsOf(key('a'))), ...(await idsOf(key('b'))), ...(await idsOf(key('c')))].sort();
        return differs(left, newer.map(idOf));
      },
    },
    {
      name: 'deletes',
      assumed: 'rows deleted by key are gone for the next Strong query, and a row written after the deletion is there',
      async ask() {
        const rows = [row('gone', '1', 0), row('gone', '1', 1)];
        await write(...rows);
        await deleteKeys(milvus, collection, [rows[0]!.id]);
        const kept = differs(await idsOf(key('gone')), [rows[1]!.id]);
        if (kept !== undefined) return kept;
        await deleteKeys(milvus, collection, [rows[1]!.id]);
        await write(rows[1]!);
        return differs(await idsOf(key('gone')), [rows[1]!.id]);
      },
    },
    {
      name: 'duplicate keys',
      assumed: 'equal keys in one request are refused, or one upsert of the key leaves one row of it',
      async ask() {
        const twice = row('twice', '1', 0);
        const plain = { ...twice, tenant: '', vector: [...twice.vector] };
        const data = [plain, plain];
        const status = await milvus.sdk
          .upsert({ collection_name: collection, data: data as never, timeout: milvus.timeoutMs })
          .then(({ status }) => status)
          .catch(() => undefined);
        const before = await countRows(milvus, collection);
        await write(twice);
        const after = await countRows(milvus, collection);
        const [found] = await idsOf(key('twice'));
        if (found === undefined) return 'the row is not there';
        const most = isSuccess(status) ? before : before + 1;
        return after <= most && (await countIn(twice.id)) === 1
          ? undefined
          : `${await countIn(twice.id)} rows of one key`;
      },
    },
    {
      name: 'values',
      assumed:
        'revisions of 16 digits, texts of 65,535 bytes, quotes in a tenant and float32 vectors come back as they went',
      async ask() {
        const vector = Float32Array.from({ length: DIMENSION }, (_, i) => Math.fround(1 / (i + 3)));
        const odd = row('odd', '4503599627370495', 0, {
          text: 'ế'.repeat(21_845),
          tenant: 'a "b" \\ c',
          metadata: { heading: ['x'], n: 1.5 },
          vector,
        });
        await write(odd);
        const [found] = await rowsOf(milvus, collection, key('odd'), { vectors: true });
        for (const field of ['rev', 'text', 'tenant'] as const)
          if (found?.[field] !== odd[field]) return `another ${field}`;
        if (JSON.stringify(found?.metadata) !== JSON.stringify(odd.metadata)) return 'other metadata';
        return found?.vector?.every((value, i) => value === vector[i]) ? undefined : 'another vector';
      },
    },
    {
      name: 'search',
      assumed: 'a Strong search finds a row that was just written by its own vector, and keeps to the tenant asked for',
      async ask() {
        const vector = Float32Array.from({ length: DIMENSION }, (_, i) => (i < 2 ? Math.SQRT1_2 : 0));
        const tenant = 'it\'s "quoted"';
        await write(row('sought', '1', 0, { vector, tenant }), row('sought', '1', 1, { vector, tenant: 'other' }));
        const hits = await search(milvus, collection, vector, { k: 10, tenant });
        const [hit] = hits;
        if (hits.length !== 1) return `${hits.length} hits of one row`;
        if (hit?.id !== chunkId(key('sought'), '1', 0)) return 'another row was nearest';
        return Math.abs(hit.score - 1) < 1e-3 ? undefined : `a score of ${hit.score}`;
      },
    },
  ];

  async function countIn(id: string): Promise<number> {
    const [found] = await query(milvus, collection, { filter: inRange(prefixRange(id)), fields: ['count(*)'] });
    return Number(found?.['count(*)'] ?? 0);
  }
}

const idOf = ({ id }: Row): string => id;
