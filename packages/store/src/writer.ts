/**
 * Writing rows. Only a positive acknowledgement counts: both status fields, and as many rows as were sent. Keys are unique
 * within a request (the real server stores both of two equal keys). Anything ambiguous is thrown as `store_unreachable`; the
 * caller sends the same rows again, which also heals what a crash may have doubled.
 */
import { isSluiceError, SluiceError } from '@sluice/core';
import { ErrorCode, type ResStatus } from '@zilliz/milvus2-sdk-node';
import { anyId, grouped, type IdRange, inRanges } from './id-filter.ts';
import type { Milvus } from './milvus-client.ts';
import { upsertPacked } from './packed-call.ts';
import { packUpsert } from './packed-upsert.ts';
import { type CheckedRow, checkRow, type Row } from './row.ts';
import type { Slabs } from './slabs.ts';
import { isSuccess } from './store-errors.ts';
import type { Turns } from './turns.ts';
import type { WritePace } from './write-pace.ts';

/** Checked in one go: 1 to 3 ms of the event loop. */
const CHECK_BYTES = 2_000_000;
/** A delete costs a time tick (0.2 s) however small, and its filter is parsed as a whole. */
const DELETE_KEYS = 1_000;
const DELETE_RANGES = 100;

export interface UpsertTarget {
  milvus: Milvus;
  pace: WritePace;
  /** Checking and packing, a few milliseconds at a time. */
  turns: Turns;
  slabs: Slabs;
  collection: string;
  dimension: number;
}

/**
 * Throws `row_refused` or `wrong_dimension` before anything is sent, and `store_*` otherwise: then some requests may be stored, and
 * sending all rows again is harmless.
 */
export async function upsertRows(target: UpsertTarget, rows: readonly Row[]): Promise<void> {
  const requests = split(await checkAll(target, rows), target.pace.requestBytes);
  const outcomes = await Promise.allSettled(requests.map((request) => send(target, request)));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
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

async function checkAll({ turns, dimension }: UpsertTarget, rows: readonly Row[]): Promise<CheckedRow[]> {
  const seen = new Set<string>();
  const checked: CheckedRow[] = [];
  for (let from = 0; from < rows.length; ) from = await turns(() => checkSome(from));
  return checked;

  /** From one row on, until it is another's turn; where to go on. */
  function checkSome(from: number): number {
    let at = from;
    for (let bytes = 0; at < rows.length && bytes < CHECK_BYTES; at++) {
      const row = checkRow(rows[at]!, dimension);
      if (seen.has(row.values.id)) {
        throw new SluiceError('row_refused', {
          message: 'A key came twice in one request',
          where: `row ${row.values.id}`,
        });
      }
      seen.add(row.values.id);
      checked.push(row);
      bytes += row.bytes;
    }
    return at;
  }
}

/** One request; halved where it is too large for the server. */
async function send(target: UpsertTarget, rows: readonly CheckedRow[]): Promise<void> {
  const bytes = bytesOf(rows);
  try {
    await target.pace.run(bytes, () => sendOnce(target, rows));
  } catch (error) {
    if (!isSluiceError(error) || error.code !== 'store_too_large' || rows.length === 1) throw error;
    for (const half of split(rows, Math.ceil(bytes / 2))) await send(target, half);
  }
}

async function sendOnce(
  { milvus, collection, turns, slabs }: UpsertTarget,
  rows: readonly CheckedRow[],
): Promise<void> {
  const reply = await milvus.call(`upsert ${collection}`, async () => {
    const known = await attempt(true);
    return known.status.error_code === ErrorCode.SchemaMismatch ? attempt(false) : known;
  });
  if (Number(reply.upsert_cnt) !== rows.length) {
    throw new SluiceError('store_failed', {
      message: 'Milvus acknowledged another number of rows than were sent',
      where: `upsert ${collection}`,
      expected: String(rows.length),
      got: String(reply.upsert_cnt),
      verdict: 'retry',
    });
  }

  /** `cache`: with the description of the collection that the SDK remembers. */
  async function attempt(cache: boolean): Promise<{ status: ResStatus; upsert_cnt?: string }> {
    const described = await milvus.sdk.describeCollection({
      collection_name: collection,
      cache,
      timeout: milvus.timeoutMs,
    });
    if (!isSuccess(described.status)) return described;
    const slab = slabs.take();
    const request = await turns(() => packUpsert(described, rows, slab.atLeast));
    const reply = await upsertPacked(milvus.sdk, request, milvus.timeoutMs);
    // Not after a failure: who knows what still reads it then.
    slab.giveBack();
    return reply;
  }
}

/** As few parts as possible, of about equal size; a row that is larger than `mostBytes` is a part of its own. */
function split(rows: readonly CheckedRow[], mostBytes: number): CheckedRow[][] {
  const total = bytesOf(rows);
  const each = total / Math.ceil(total / mostBytes);
  const parts: CheckedRow[][] = [];
  let part: CheckedRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (part.length > 0 && bytes + row.bytes / 2 > each) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += row.bytes;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

function bytesOf(rows: readonly CheckedRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes, 0);
}
