/**
 * Consuming a line's queue: one ordinary BullMQ Worker a shard. BullMQ brings jobs, locks and re-delivery; it decides nothing:
 * whether a chunk is dead is the ledger's matter, so its own stall limit is set so high that it never counts.
 */
import { type Processor, Worker } from 'bullmq';
import { allShards, type LineAddress, shardTag } from './address.ts';
import { QUEUE_NAME } from './chunk-queue.ts';
import { connectionOptions } from './connection.ts';
import { toQueueError } from './errors.ts';
import { createFetching } from './fetching.ts';
import { openConnection } from './open-connection.ts';

/** A killed worker's jobs are picked up again after at most lock + 2 × stalled interval = 21 s. */
export const WORKER_LOCK_MS = 15_000;
export const STALLED_INTERVAL_MS = 3_000;
/** How long BullMQ waits before it asks a Redis again that could not be reached; 15 s by its default. */
const RETRY_MS = 3_000;
/** Failed jobs that the dashboard shows. The ledger's dead letters are the record. */
const FAILED_KEPT = 200;
/** Completions and failures that BullMQ counts by the minute: for its own counters and the board's chart. */
const COUNTED_MINUTES = 1_440;

export interface ChunkWorkerOptions {
  /** Chunks held at a time, over all shards. */
  concurrency: number;
  /** Connection failures and lost locks, as `queue_*` errors. May come in quick succession: collapse them. */
  onError(error: Error): void;
  /** A job was taken over from a worker that lost its lock. */
  onStalled?(): void;
  /** False: takes no job until `resumeFetching`. Default true. */
  fetching?: boolean;
  /** Default 15 s; shorter only in tests. */
  lockMs?: number;
  stalledIntervalMs?: number;
}

export interface ChunkWorker {
  /** No new job is taken; those in hand go on. */
  stopFetching(): Promise<void>;
  /** Takes jobs again after `stopFetching`. */
  resumeFetching(): Promise<void>;
  /** Waits for the jobs in hand, then closes the connections; `force` leaves them to be taken over when their locks end. */
  close(force?: boolean): Promise<void>;
}

/** Each shard's Worker has a connection without command timeout and retry limit: it blocks on purpose. */
export function openChunkWorker(
  url: string,
  address: LineAddress,
  process: Processor,
  {
    concurrency,
    onError,
    onStalled = () => undefined,
    fetching = true,
    lockMs = WORKER_LOCK_MS,
    stalledIntervalMs = STALLED_INTERVAL_MS,
  }: ChunkWorkerOptions,
): ChunkWorker {
  const shards = allShards(address).map((shard) => {
    const redis = openConnection(url, { ...connectionOptions('worker'), maxRetriesPerRequest: null });
    redis.on('error', (error) => onError(toQueueError(error)));
    const worker = new Worker(QUEUE_NAME, process, {
      connection: redis,
      prefix: shardTag(address, shard),
      autorun: fetching,
      concurrency: Math.max(1, Math.ceil(concurrency / address.shards)),
      lockDuration: lockMs,
      stalledInterval: stalledIntervalMs,
      maxStalledCount: 1_000_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: FAILED_KEPT },
      runRetryDelay: RETRY_MS,
      metrics: { maxDataPoints: COUNTED_MINUTES },
    });
    worker.on('stalled', () => onStalled());
    worker.on('error', (error) => onError(toQueueError(error)));
    return { redis, worker, fetching: createFetching(worker, { fetching }) };
  });

  return {
    async stopFetching() {
      await Promise.all(shards.map((shard) => shard.fetching.stop()));
    },
    async resumeFetching() {
      await Promise.all(shards.map((shard) => shard.fetching.resume()));
    },
    async close(force = false) {
      await Promise.all(
        shards.map(async ({ redis, worker, fetching: taking }) => {
          taking.close();
          await worker.close(force);
          redis.disconnect();
        }),
      );
    },
  };
}
