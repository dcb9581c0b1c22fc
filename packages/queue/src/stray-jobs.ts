/**
 * Jobs of revisions that this ledger never gave away: a producer added them while Redis lost its data. Every worker that met one
 * would stop with `ledger_lost`, again and again; nobody can finish them.
 */
import { type Clock, type DocumentKey, parseChunkId, type Revision, systemClock } from '@sluice/core';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { LineAddress } from './address.ts';
import { openQueues } from './chunk-queue.ts';
import { guarded } from './errors.ts';

export interface StrayJobsOptions {
  /** Whether the ledger gave these revisions away. */
  drew(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<boolean[]>;
  clock?: Clock;
}

const PAGE = 500;
const STATES = ['wait', 'prioritized', 'delayed', 'active', 'failed'] as const;
/** A dead worker's locks end within fifteen seconds. */
const LOCKS_END_MS = 20_000;
const LOOK_MS = 500;

/** How many were removed. With workers stopped: a job that somebody holds is waited for until its lock ends. */
export async function removeStrayJobs(
  redis: Redis,
  address: LineAddress,
  { drew, clock = systemClock }: StrayJobsOptions,
): Promise<number> {
  const queues = openQueues(redis, address);
  try {
    let removed = 0;
    for (const queue of queues) for (const state of STATES) removed += await clear(queue, state);
    return removed;
  } finally {
    await Promise.all(queues.map((queue) => queue.close()));
  }

  async function clear(queue: Queue, state: (typeof STATES)[number]): Promise<number> {
    let removed = 0;
    for (let from = 0; ; ) {
      const ids = await guarded(() => queue.getRanges([state], from, from + PAGE - 1, true));
      const ours = ids.filter((id) => /^d[0-9a-f]{38}-\d+$/.test(id));
      const known = await drew(ours.map((id) => parseChunkId(id.slice(0, 39))));
      const stray = ours.filter((_, i) => !known[i]);
      let gone = 0;
      for (const id of stray) gone += await remove(queue, id);
      removed += gone;
      if (ids.length < PAGE) return removed;
      from += ids.length - gone;
    }
  }

  async function remove(queue: Queue, id: string): Promise<number> {
    const until = clock.monotonicMs() + LOCKS_END_MS;
    for (;;) {
      const gone = await guarded(() => queue.remove(id));
      if (gone > 0 || clock.monotonicMs() > until) return gone;
      await clock.sleep(LOOK_MS);
    }
  }
}
