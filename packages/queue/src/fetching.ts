/**
 * Whether a BullMQ Worker takes jobs. A Redis that answers and refuses (READONLY, OOM, LOADING, MISCONF) makes BullMQ ask again
 * at once, thousands of times a second: after a failure nothing is fetched for a while, longer from failure to failure, and
 * then one question is asked again. Jobs in hand go on, and their locks are renewed.
 *
 * States: **fetching** ⇄ **resting** (a failure; goes on by itself) and ⇄ **stopped** (asked for; goes on when asked to).
 */
import { createBackoff } from '@sluice/core';
import type { Worker } from 'bullmq';

export interface Fetching {
  stop(): Promise<void>;
  resume(): Promise<void>;
  /** No timer is left. */
  close(): void;
}

/** Half a second at first; five at most, because a person waits for the first job after an outage. */
const REST = { baseMs: 500, capMs: 5_000, floorMs: 250 };

export function createFetching(worker: Worker, { fetching }: { fetching: boolean }): Fetching {
  const backoff = createBackoff(REST);
  let wanted = fetching;
  let resting: NodeJS.Timeout | undefined;

  worker.on('active', () => backoff.reset());
  worker.on('error', () => {
    if (resting !== undefined || !wanted) return;
    void worker.pause(true);
    resting = setTimeout(() => {
      resting = undefined;
      if (wanted) void worker.resume();
    }, backoff.next());
  });

  return {
    async stop() {
      wanted = false;
      await worker.pause(true);
    },
    async resume() {
      wanted = true;
      if (resting === undefined) await worker.resume();
    },
    close() {
      wanted = false;
      clearTimeout(resting);
    },
  };
}
