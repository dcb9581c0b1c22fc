/**
 * Rows of documents from all over a collection. Keys are hashes, so equal parts of the key space hold about equally many
 * documents: stripes spread over it are read whole, and what came is thinned evenly. No server is asked for an order.
 */
import { grouped, type IdRange, inRange } from './id-filter.ts';
import type { Milvus } from './milvus-client.ts';
import { countRows, query } from './reader.ts';

export interface SampledRow {
  id: string;
  /** One of the two, as asked for. */
  vector?: Float32Array;
  text?: string;
}

/** The first eight hex characters of a key. */
const KEY_SPACE = 2 ** 32;
const LEAST_STRIPES = 16;
const ROWS_A_STRIPE = 64;
/** A stripe of long documents is cut here: of texts of 64 kB that is 16 MB. */
const MOST_ROWS_A_STRIPE = 256;
const STRIPES_AT_ONCE = 4;

/** At most `size` rows, sorted by id; fewer only where the collection has few, or a few documents that are very long. */
export async function sampleRows(
  milvus: Milvus,
  collection: string,
  { size, field }: { size: number; field: 'vector' | 'text' },
): Promise<SampledRow[]> {
  const total = await countRows(milvus, collection);
  const rows: SampledRow[] = [];
  for (const together of grouped(stripes(size, total), STRIPES_AT_ONCE)) {
    const found = await Promise.all(
      together.map((stripe) =>
        query(milvus, collection, { filter: inRange(stripe), fields: ['id', field], limit: MOST_ROWS_A_STRIPE }),
      ),
    );
    for (const row of found.flat()) {
      rows.push({
        id: String(row.id),
        ...(field === 'vector' ? { vector: Float32Array.from(row.vector as number[]) } : { text: String(row.text) }),
      });
    }
  }
  rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  if (rows.length <= size) return rows;
  return Array.from({ length: size }, (_, i) => rows[Math.floor((i * rows.length) / size)]!);
}

/** Twice as much of the key space as `size` needs, because documents have unequally many rows. */
export function stripes(size: number, total: number): IdRange[] {
  const share = total === 0 ? 1 : Math.min(1, (2 * size) / total);
  const count = Math.max(LEAST_STRIPES, Math.ceil((2 * size) / ROWS_A_STRIPE));
  const edge = (place: number) =>
    place >= 1
      ? 'dg'
      : `d${Math.floor(place * KEY_SPACE)
          .toString(16)
          .padStart(8, '0')}`;
  return Array.from({ length: count }, (_, i) => ({ from: edge(i / count), to: edge((i + share) / count) }));
}
