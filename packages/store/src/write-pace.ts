/**
 * How fast Milvus is written to, by all callers of a process together: requests under way, and bytes of one.
 *
 * - *Requests under way* are halved when Milvus says that it is busy (rate limit, memory, quota, time tick delay), once for all that
 *   were under way by then, and grow by one for every quiet period. More than four gained nothing on any server that was
 *   measured: a shard has one log.
 * - *Bytes of a request* are half of what was too large, and are remembered; a limit of a server does not go away.
 *
 * Waiting and repeating are the caller's.
 */
import { type Clock, isSluiceError, type Logger, systemClock } from '@sluice/core';
import pLimit from 'p-limit';

export interface WritePace {
  /** Bytes of a request at most, just now. */
  readonly requestBytes: number;
  /** Requests that may be under way just now. */
  readonly concurrency: number;
  /** Makes one request of about so many bytes when it may start: first come, first served. Throws what `send` throws. */
  run<T>(bytes: number, send: () => Promise<T>): Promise<T>;
}

export interface WritePaceOptions {
  logger: Logger;
  /** Default 4,000,000: from 2 MB on a request's fixed costs vanish, and a proxy takes 64 MB. */
  requestBytes?: number;
  /** Requests under way at most, in quiet times. Default 4. */
  maxInFlight?: number;
  /** How long Milvus must not have been busy before it gets one more request at a time. Default 10,000 ms. */
  quietMs?: number;
  clock?: Clock;
}

/** A row may be 100 kB; below this no limit is believed. */
const LEAST_BYTES = 100_000;

export function createWritePace({
  logger,
  requestBytes: wanted = 4_000_000,
  maxInFlight = 4,
  quietMs = 10_000,
  clock = systemClock,
}: WritePaceOptions): WritePace {
  const limit = pLimit(maxInFlight);
  let requestBytes = wanted;
  let quietSinceMs = clock.monotonicMs();
  let cuts = 0;

  function succeeded(): void {
    if (limit.concurrency === maxInFlight || clock.monotonicMs() - quietSinceMs < quietMs) return;
    limit.concurrency += 1;
    quietSinceMs = clock.monotonicMs();
  }

  function failed(code: string, bytes: number, cutsBefore: number): void {
    if (code === 'store_busy') {
      quietSinceMs = clock.monotonicMs();
      // Whatever began before the last cut tells of the same moment.
      if (cutsBefore < cuts) return;
      cuts += 1;
      limit.concurrency = Math.max(1, Math.floor(limit.concurrency / 2));
    }
    if (code === 'store_too_large') {
      const smaller = Math.max(LEAST_BYTES, Math.floor(bytes / 2));
      if (smaller >= requestBytes) return;
      requestBytes = smaller;
      logger.warn({ requestBytes }, 'Milvus takes smaller requests than usual: requests are halved');
    }
  }

  return {
    get requestBytes() {
      return requestBytes;
    },
    get concurrency() {
      return limit.concurrency;
    },
    run: (bytes, send) =>
      limit(async () => {
        const cutsBefore = cuts;
        try {
          const reply = await send();
          succeeded();
          return reply;
        } catch (error) {
          if (isSluiceError(error)) failed(error.code, bytes, cutsBefore);
          throw error;
        }
      }),
  };
}
