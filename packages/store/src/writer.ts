/**
 * Writing rows. Only a positive acknowledgement counts: both status fields, and as many rows as were sent. Keys are unique
 * within a request (the real server stores both of two equal keys). Anything ambiguous is thrown as `store_unreachable`; the
 * caller sends the same rows again, which also heals what a crash may have doubled.
 */
import { SluiceError } from '@sluice/core';
import { anyId, grouped, type IdRange, inRanges } from './id-filter.ts';
import type { Milvus } from './milvus-client.ts';
import { checkRow, type Row, toWire } from './row.ts';

/** The SDK encodes on the event loop, about 3 ms a row at 1024 dimensions and 8 kB of text: so much in one go, no more. */
const SLICE_ROWS = 64;
const SLICE_BYTES = 4_000_000;
/** A delete costs a time tick (0.2 s) however small, and its filter is parsed as a whole. */
const DELETE_KEYS = 1_000;
const DELETE_RANGES = 100;

/**
 * Throws `row_refused` or `wrong_dimension` before anything is sent, and `store_*` otherwise. Slices before the one that
 * failed are stored; sending all of them again is harmless.
 */
export async function upsertRows(
  milvus: Milvus,
  collection: string,
  dimension: number,
  rows: readonly Row[],
): Promise<void> {
  for (const slice of slicesOf(rows, dimension)) {
    const reply = await milvus.call(`upsert ${collection}`, () =>
      milvus.sdk.upsert({ collection_name: collection, data: slice.map(toWire) as never, timeout: milvus.timeoutMs }),
    );
    if (Number(reply.upsert_cnt) !== slice.length) {
      throw new SluiceError('store_failed', {
        message: 'Milvus acknowledged another number of rows than were sent',
        where: `upsert ${collection}`,
        expected: String(slice.length),
        got: String(reply.upsert_cnt),
        verdict: 'retry',
      });
    }
  }
}

export async function deleteKeys(milvus: Milvus, collection: string, ids: readonly string[]): Promise<void> {
  await deleteWhere(milvus, collection, grouped([...new Set(ids)], DELETE_KEYS).map(anyId));
}

export async function deleteRanges(milvus: Milvus, collection: string, ranges: readonly IdRange[]): Promise<void> {
  await deleteWhere(milvus, collection, grouped(ranges, DELETE_RANGES).map(inRanges));
}

async function deleteWhere(milvus: Milvus, collection: string, filters: string[]): Promise<void> {
  for (const filter of filters) {
    await milvus.callLoaded(`delete ${collection}`, collection, () =>
      milvus.sdk.deleteEntities({ collection_name: collection, filter, timeout: milvus.timeoutMs }),
    );
  }
}

function slicesOf(rows: readonly Row[], dimension: number): Row[][] {
  const slices: Row[][] = [];
  const seen = new Set<string>();
  let slice: Row[] = [];
  let sliceBytes = 0;
  for (const row of rows) {
    const bytes = checkRow(row, dimension);
    if (seen.has(row.id)) {
      throw new SluiceError('row_refused', { message: 'A key came twice in one request', where: `row ${row.id}` });
    }
    seen.add(row.id);
    if (slice.length === SLICE_ROWS || (slice.length > 0 && sliceBytes + bytes > SLICE_BYTES)) {
      slices.push(slice);
      slice = [];
      sliceBytes = 0;
    }
    slice.push(row);
    sliceBytes += bytes;
  }
  if (slice.length > 0) slices.push(slice);
  return slices;
}
