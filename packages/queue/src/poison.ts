/**
 * Poison: texts that kill the process that embeds them. A chunk is never blamed for dying in company: before an engine call a
 * worker notes what is in it; a chunk that was in two calls whose process died runs alone from then on; three deaths while
 * alone, on at least two processes, with no success between, and it is dead.
 */
import { randomUUID } from 'node:crypto';
import { chunkId } from '@sluice/core';
import { ledgerKey, shardTag } from './address.ts';
import type { Caller } from './caller.ts';
import { executed, guarded } from './errors.ts';
import type { ChunkRef } from './writing.ts';

export type Suspicion = 'none' | 'run alone' | 'poison';

export interface EngineCall {
  /** The call came back. `embedded`: with vectors, so everything in it is cleared of suspicion. */
  left(outcome: 'embedded' | 'failed'): Promise<void>;
}

export interface Poison {
  /**
   * To be awaited before an engine call. A worker id without spaces and commas, the same that beats. `alone`: nothing else is
   * being embedded in this process, in whatever call.
   */
  enterCall(worker: string, chunks: readonly ChunkRef[], options?: { alone?: boolean }): Promise<EngineCall>;
  /** For chunks whose job has stalled before: may this worker embed them in company, alone, or not at all? */
  suspicions(worker: string, chunks: readonly ChunkRef[]): Promise<Suspicion[]>;
}

/** A worker that beats every 2 s and is silent for ten is dead: its locks (15 s) have not even ended. */
const WORKER_DEAD_MS = 10_000;
const ALONE_FROM_MARKS = 2;
const POISON_DEATHS = 3;
const POISON_PROCESSES = 2;

export function createPoison(caller: Caller, { workerDeadMs = WORKER_DEAD_MS } = {}): Poison {
  const tag = shardTag(caller.address, 0);
  const calls = ledgerKey(tag, 'calls');
  const suspects = ledgerKey(tag, 'suspects');
  const idOf = ({ key, revision, ordinal }: ChunkRef) => chunkId(key, revision, ordinal);

  return {
    async enterCall(worker, chunks, { alone = false } = {}) {
      if (/[ ,]/.test(worker)) throw new RangeError(`worker id: ${worker}`);
      const call = randomUUID();
      const ids = chunks.map(idOf);
      await guarded(() => caller.redis.hset(calls, call, `${worker} ${alone ? 1 : 0} ${ids.join(',')}`));
      return {
        left: (outcome) =>
          guarded(async () => {
            // In this order: a call that is off the record and its chunks still under suspicion would be a death too many.
            const pipeline = caller.redis.pipeline();
            if (outcome === 'embedded' && ids.length > 0) pipeline.hdel(suspects, ...ids);
            pipeline.hdel(calls, call);
            await executed(pipeline);
          }),
      };
    },

    async suspicions(worker, chunks) {
      if (chunks.length === 0) return [];
      await caller.askShard(0, 'blame', [], [workerDeadMs, worker]);
      const records = await guarded(() => caller.redis.hmget(suspects, ...chunks.map(idOf)));
      return records.map((record) => {
        if (record === null) return 'none';
        const [, marks, deaths, workers = ''] = record.split(' ');
        const processes = workers === '' ? 0 : workers.split(',').length;
        if (Number(deaths) >= POISON_DEATHS && processes >= POISON_PROCESSES) return 'poison';
        return Number(marks) >= ALONE_FROM_MARKS ? 'run alone' : 'none';
      });
    },
  };
}
