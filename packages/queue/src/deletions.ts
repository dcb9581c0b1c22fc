/**
 * What was deleted from the collection lately. Milvus 2.3 can forget deletes that it has acknowledged when it is killed: rows that
 * were sealed come back. Ids are never used again, so whatever was right to delete once may be deleted again at any time.
 */
import { ledgerKey, shardTag } from './address.ts';
import type { Caller } from './caller.ts';
import { guarded } from './errors.ts';

/** Ids from the first one on, up to the second one without it; prefixes of ids do. */
export interface IdSpan {
  from: string;
  to: string;
}

export interface Deletions {
  /** To be awaited before they are deleted. Remembered until they are forgotten. */
  noteDeletions(spans: readonly IdSpan[]): Promise<void>;
  /** All that are remembered, oldest first. */
  lateDeletions(): Promise<IdSpan[]>;
  /** Milvus is away, or was until now: nothing is forgotten before it was well for a quarter of an hour. */
  keepDeletions(): Promise<void>;
  /** Of somebody who knows that Milvus is well: forgets what was deleted more than a quarter of an hour ago, if it was well all the while. */
  forgetDeletions(): Promise<void>;
  /** How long ago, in ms, somebody began to delete all of them again; undefined: nobody did, or did not finish. */
  deletionsRepeatedAgo(): Promise<number | undefined>;
  /** All of them were deleted again; somebody began so many ms ago. */
  deletionsRepeated(beganAgoMs: number): Promise<void>;
}

/** Milvus writes what is deleted to its storage every ten minutes (`dataNode.segment.syncPeriod`) or sooner, while it is up. */
const REMEMBERED_MS = 900_000;
const SPANS_A_CALL = 1_000;

export function createDeletions(caller: Caller): Deletions {
  const tag = shardTag(caller.address, 0);
  const deleted = ledgerKey(tag, 'deleted');
  const repeated = ledgerKey(tag, 'deleted:again');
  const kept = ledgerKey(tag, 'deleted:kept');

  return {
    async noteDeletions(spans) {
      if (spans.length === 0) return;
      const now = await caller.nowMs();
      await guarded(async () => {
        for (let from = 0; from < spans.length; from += SPANS_A_CALL) {
          const some = spans.slice(from, from + SPANS_A_CALL);
          await caller.redis.zadd(deleted, ...some.flatMap((span) => [now, `${span.from} ${span.to}`]));
        }
      });
    },

    async lateDeletions() {
      const members = await guarded(() => caller.redis.zrangebyscore(deleted, '-inf', '+inf'));
      return members.map((member) => {
        const [from = '', to = ''] = member.split(' ');
        return { from, to };
      });
    },

    async keepDeletions() {
      const now = await caller.nowMs();
      await guarded(() => caller.redis.set(kept, now));
    },

    async forgetDeletions() {
      const before = (await caller.nowMs()) - REMEMBERED_MS;
      await guarded(async () => {
        if (Number((await caller.redis.get(kept)) ?? 0) > before) return;
        await caller.redis.zremrangebyscore(deleted, '-inf', before);
      });
    },

    async deletionsRepeatedAgo() {
      const at = await guarded(() => caller.redis.get(repeated));
      return at === null ? undefined : (await caller.nowMs()) - Number(at);
    },

    async deletionsRepeated(beganAgoMs) {
      const at = (await caller.nowMs()) - Math.round(beganAgoMs);
      await guarded(() => caller.redis.set(repeated, at));
    },
  };
}
