/**
 * What a bulk run will cost, from the lengths of its chunks: the worker's own planner fills the requests that the engine will
 * get. Memory is bounded by the window of the planner, not by the corpus.
 */

import type { SourceDocument } from '@sluice/core';
import { createBatchPlanner, type EngineRate, paddedTokens } from '@sluice/embedder';
import { BULK_SHARE, LEAST_JOB_TOKENS, LEDGER_BYTES_PER_DOCUMENT } from '@sluice/queue';

export interface Forecast {
  requests: number;
  paddedTokens: number;
  /** Share of the padded tokens that is padding. */
  paddingShare: number;
  /** Time that the engine computes; absent where its rate is not known. */
  engineSeconds?: number;
  /** From the start of the command to the last row: the slower of engine and cutting, with one worker. */
  finishSeconds?: number;
  /** Bytes of the rows in Milvus at each dimension, before its own compression, index and copies. */
  milvusBytes: { dimension: number; bytes: number }[];
  /** Most that Redis holds: the backlog and the ledger. */
  redisPeakBytes: number;
}

export interface ForecastOptions {
  maxPaddedTokens: number;
  maxRows: number;
  /** Chunks that a worker chooses from. */
  window: number;
  /** The mark of the backlog; a bulk run waits at its part of it. */
  backlogTokens: number;
  dimensions: readonly number[];
  rate?: EngineRate | undefined;
}

export interface ForecastChunk {
  tokens: number;
  textBytes: number;
  /** Bytes of the row without its vector. */
  rowBytes: number;
}

/** What a waiting chunk takes in Redis beside its text: the other fields of its job, its id and its place; measured by `bench/queue`. */
export const JOB_BYTES = 1_300;
/** A worker's start-up to its first request, and the last write, mark and settlement. */
export const AROUND_SECONDS = 1.5;

/** Key, revision, counts, offsets and the two hashes of a row; its other fields are the document's and the chunk's. */
const ROW_BYTES = 39 + 2 * 22 + 3 * 8 + 2 * 4;

/** Bytes of a row without text and vector. */
export function rowBytesBesideText(
  { id, tenant = '', metadata }: Pick<SourceDocument, 'id' | 'tenant' | 'metadata'>,
  heading: readonly string[],
): number {
  const stored = JSON.stringify(heading.length === 0 ? metadata : { heading, ...metadata });
  return ROW_BYTES + Buffer.byteLength(id) + Buffer.byteLength(tenant) + Buffer.byteLength(stored);
}

export function createForecast({ maxPaddedTokens, maxRows, window, backlogTokens, dimensions, rate }: ForecastOptions) {
  const planner = createBatchPlanner<number>({ maxPaddedTokens, maxRows });
  let [chunks, tokens, textBytes, rowBytes, requests, padded] = [0, 0, 0, 0, 0, 0];

  function send(): void {
    requests += 1;
    padded += paddedTokens(planner.take());
  }

  return {
    /** Chunks in the order in which they will be queued. */
    add(chunk: ForecastChunk): void {
      chunks += 1;
      tokens += chunk.tokens;
      textBytes += chunk.textBytes;
      rowBytes += chunk.rowBytes;
      planner.add(chunk.tokens, Math.min(chunk.tokens, maxPaddedTokens));
      if (planner.size >= window) send();
    },
    /** `cutSeconds`: how long reading and cutting took. */
    finish({ documents, cutSeconds }: { documents: number; cutSeconds: number }): Forecast {
      while (planner.size > 0) send();
      const engineSeconds =
        rate === undefined ? undefined : padded / rate.tokensPerSecond + (requests * rate.requestMs) / 1_000;
      const waitingShare =
        tokens === 0 ? 0 : Math.min(1, (BULK_SHARE * backlogTokens) / Math.max(tokens, LEAST_JOB_TOKENS * chunks));
      return {
        requests,
        paddedTokens: padded,
        paddingShare: padded === 0 ? 0 : 1 - tokens / padded,
        ...(engineSeconds !== undefined && {
          engineSeconds,
          finishSeconds: Math.max(engineSeconds, cutSeconds) + AROUND_SECONDS,
        }),
        milvusBytes: dimensions.map((dimension) => ({ dimension, bytes: rowBytes + chunks * dimension * 4 })),
        redisPeakBytes: Math.round(
          waitingShare * (textBytes + chunks * JOB_BYTES) + documents * LEDGER_BYTES_PER_DOCUMENT,
        ),
      };
    },
  };
}
