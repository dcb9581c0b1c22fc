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
  /** To be awaited before they are deleted. Forgotten after a quarter of an hour: Milvus has written them down by then. */
  noteDeletions(spans: readonly IdSpan[]): Promise<void>;
  /** All that are remembered, oldest first. */
  lateDeletions(): Promise<IdSpan[]>;
  /** How long ago, in ms, somebody began to delete all of them again; undefined: nobody did, or did not finish. */
  deletionsRepeatedAgo(): Promise<number | undefined>;
  /** All of them were deleted again; somebody began so many ms ago. */
  deletionsRepeated(beganAgoMs: number): Promise<void>;
}

/** Milvus writes what is deleted to its storage every ten minutes (`dataNode.segment.syncPeriod`) or sooner. */
const REMEMBERED_MS = 900_000;

export function createDeletions(caller: Caller): Deletions {
  const tag = shardTag(caller.address, 0);
  const deleted = ledgerKey(tag, 'deleted');
  const repeated = ledgerKey(tag, 'deleted:again');

  return {
    async noteDeletions(spans) {
      if (spans.length === 0) return;
      const now = await caller.nowMs();
      await guarded(async () => {
        await caller.redis.zremrangebyscore(deleted, '-inf', now - REMEMBERED_MS);
        await caller.redis.zadd(deleted, ...spans.flatMap(({ from, to }) => [now, `${from} ${to}`]));
      });
    },

    async lateDeletions() {
      const after = (await caller.nowMs()) - REMEMBERED_MS;
      const members = await guarded(() => caller.redis.zrangebyscore(deleted, after, '+inf'));
      return members.map((member) => {
        const [from = '', to = ''] = member.split(' ');
        return { from, to };
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
