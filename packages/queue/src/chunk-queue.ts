/**
 * The queue of chunks: one BullMQ queue a shard. addBulk is a pipeline, not a transaction, so after any error the whole slice is
 * sent again: the job ids make that harmless.
 */
import { type Backoff, type Clock, createBackoff, systemClock } from '@sluice/core';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { allShards, type LineAddress, shardOf, shardTag } from './address.ts';
import { type ChunkJob, jobId } from './chunk-job.ts';
import { toQueueError } from './errors.ts';
import type { Abandoned } from './handing-in.ts';

export const QUEUE_NAME = 'chunks';
/** Name of every job. */
const JOB_NAME = 'chunk';

/** More jobs in one bulk gain nothing; a bulk of long texts is smaller, so that Redis answers others in between. */
const JOBS_PER_BULK = 200;
const BYTES_PER_BULK = 1_000_000;
/** While Redis works at one, the next is written. */
const BULKS_IN_FLIGHT = 4;
const RETRY_FOR_MS = 60_000;
/** A Redis that answers nobody is not waited for. */
const CLOSE_MS = 1_000;
/** Entries of BullMQ's event stream that are kept. */
const EVENTS_KEPT = 1_000;

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface ChunkQueue {
  /**
   * Adds every job, or throws after a minute of outage (`queue_unreachable`, `queue_busy`): then some may be in, and adding all
   * of them again is right. Equal ids are one job. `traceOf` is the `traceparent` that a job carries, where it is traced;
   * `priorityOf` its place (`chunkPriorities`): without it the jobs go first.
   */
  add(
    jobs: readonly ChunkJob[],
    options?: {
      signal?: AbortSignal;
      traceOf?: (job: ChunkJob) => string | undefined;
      priorityOf?: (job: ChunkJob) => number;
    },
  ): Promise<void>;
  /** Takes the jobs of abandoned revisions out. Jobs that a worker holds are left to it: it will find them overtaken. */
  remove(revisions: readonly Abandoned[]): Promise<void>;
  counts(): Promise<QueueCounts>;
  close(): Promise<void>;
}

interface QueuedJob {
  id: string;
  job: ChunkJob;
  trace: string | undefined;
  priority: number;
}

/** `redis` stays the caller's: closing the queue leaves it open. */
export function openChunkQueue(
  redis: Redis,
  address: LineAddress,
  { clock = systemClock, backoff = () => createBackoff() }: { clock?: Clock; backoff?: () => Backoff } = {},
): ChunkQueue {
  const queues = openQueues(redis, address);

  async function addSlice(queue: Queue, slice: QueuedJob[], signal?: AbortSignal): Promise<void> {
    const until = clock.monotonicMs() + RETRY_FOR_MS;
    const wait = backoff();
    for (;;) {
      try {
        await queue.addBulk(
          slice.map(({ id, job, trace, priority }) => ({
            name: JOB_NAME,
            data: job,
            opts: { jobId: id, priority, ...(trace !== undefined && { telemetry: { metadata: trace } }) },
          })),
        );
        return;
      } catch (error) {
        const failure = toQueueError(error);
        const waitMs = wait.next();
        if (failure.verdict !== 'retry' || signal?.aborted === true || clock.monotonicMs() + waitMs > until)
          throw failure;
        await clock.sleep(waitMs, signal);
      }
    }
  }

  return {
    async add(jobs, { signal, traceOf, priorityOf } = {}) {
      const byShard = new Map<number, QueuedJob[]>();
      for (const job of jobs) {
        const shard = shardOf(job.key, address.shards);
        const list = byShard.get(shard) ?? [];
        list.push({ id: jobId(job), job, trace: traceOf?.(job), priority: priorityOf?.(job) ?? 0 });
        byShard.set(shard, list);
      }
      await Promise.all(
        [...byShard].flatMap(([shard, list]) => {
          const rest = slices(list);
          const lane = async () => {
            for (const slice of rest) await addSlice(queues[shard]!, slice, signal);
          };
          return Array.from({ length: BULKS_IN_FLIGHT }, lane);
        }),
      );
    },

    async remove(revisions) {
      for (const { key, revision, chunkCount, generation } of revisions) {
        const queue = queues[shardOf(key, address.shards)]!;
        for (let ordinal = 0; ordinal < chunkCount; ordinal += 1) {
          for (let g = 0; g <= generation; g += 1) {
            // 0: not there, or locked by a worker.
            await queue.remove(jobId({ key, revision, ordinal, generation: g })).catch((error: unknown) => {
              throw toQueueError(error);
            });
          }
        }
      }
    },

    async counts() {
      const sum: QueueCounts = { waiting: 0, active: 0, delayed: 0, failed: 0 };
      for (const queue of queues) {
        const counts = await queue
          .getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed')
          .catch((error: unknown) => {
            throw toQueueError(error);
          });
        sum.waiting += (counts.waiting ?? 0) + (counts.prioritized ?? 0);
        sum.active += counts.active ?? 0;
        sum.delayed += counts.delayed ?? 0;
        sum.failed += counts.failed ?? 0;
      }
      return sum;
    },

    async close() {
      await Promise.race([Promise.all(queues.map((queue) => queue.close())), clock.sleep(CLOSE_MS)]);
    },
  };
}

/** BullMQ's own objects. Opening one writes its event limit, so every one of them says the same. */
export function openQueues(redis: Redis, address: LineAddress): Queue[] {
  return allShards(address).map((shard) => {
    const queue = new Queue(QUEUE_NAME, {
      prefix: shardTag(address, shard),
      connection: redis,
      streams: { events: { maxLen: EVENTS_KEPT } },
    });
    // Errors of the connection are reported by whoever opened it; BullMQ would throw them without a listener.
    queue.on('error', () => undefined);
    return queue;
  });
}

function* slices<T extends { job: ChunkJob }>(jobs: readonly T[]): Generator<T[]> {
  let slice: T[] = [];
  let bytes = 0;
  for (const entry of jobs) {
    const size = entry.job.text.length + entry.job.context.length + 500;
    if (slice.length > 0 && (slice.length >= JOBS_PER_BULK || bytes + size > BYTES_PER_BULK)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(entry);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}
