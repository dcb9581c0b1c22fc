/**
 * Settlement: the ledger's sets, not a job, remember which older rows are still to delete, so it does not matter who dies. Whoever
 * takes members has half a minute; what is not reported back by then is taken again. Deleting twice is harmless.
 */
import { type DocumentKey, type Revision, revisionFromHex, revisionHex } from '@sluice/core';
import type { LedgerKeyName } from './address.ts';
import type { Caller } from './caller.ts';
import type { ChunkRef } from './writing.ts';

export interface ToSettle {
  key: DocumentKey;
  /** Rows below this revision go: `id >= key and id < key + revision in hex`. */
  revision: Revision;
  /** The revision is a tombstone: afterwards no row below it is left. Rows above it (prepared since) still stay. */
  deletesAll: boolean;
}

export interface ToClean {
  key: DocumentKey;
  /** Rows of exactly this revision go. */
  revision: Revision;
}

export interface ToSweep extends ChunkRef {
  /** Handle for `swept`. */
  member: string;
  set: 'intents' | 'sweeps';
}

export interface Settling {
  takeSettling(limit: number): Promise<ToSettle[]>;
  /** The older rows are deleted. False: the revision is not current any more, another settlement will come. */
  settled(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<boolean[]>;
  /** Rows of revisions that are neither whole nor current. */
  takeCleaning(limit: number): Promise<ToClean[]>;
  cleaned(items: readonly ToClean[]): Promise<void>;
  /** Whether the rows of a revision are to be deleted anyway. */
  cleaningScheduled(items: readonly ToClean[]): Promise<boolean[]>;
  /** Keys that a lost worker may have written and nobody wants: to be deleted, twice, an hour apart. */
  takeSweep(limit?: number): Promise<ToSweep[]>;
  swept(items: readonly ToSweep[]): Promise<void>;
  /** Once an hour or so: forgets idempotency keys, heartbeats and suspicions older than a day. */
  forgetOld(): Promise<void>;
}

const LEASE_MS = 30_000;
/** A worker without a heartbeat for so long has lost its locks. */
const WORKER_LOST_MS = 60_000;
const SWEEP_AGAIN_MS = 3_600_000;
const INTENT_FORGOTTEN_MS = 86_400_000;
const FORGOTTEN_MS = 86_400_000;
const INTENT_PAGE = 500;

export function createSettling(caller: Caller, { leaseMs = LEASE_MS, workerLostMs = WORKER_LOST_MS } = {}): Settling {
  const { shards } = caller.address;

  async function take(set: 'settling' | 'cleaning', limit: number): Promise<string[][]> {
    const taken: string[][] = [];
    for (let shard = 0; shard < shards && taken.length < limit; shard += 1) {
      const item = { set, limit: limit - taken.length, lease: leaseMs };
      taken.push(...((await caller.askShard(shard, 'take', [item])) as string[][]));
    }
    return taken;
  }

  return {
    async takeSettling(limit) {
      const taken = await take('settling', limit);
      return taken.map(([key, revision, state]) => {
        return { key: key!, revision: revisionFromHex(revision!), deletesAll: state === 'd' };
      });
    },

    async settled(items) {
      const asked = items.map(({ key, revision }) => ({ key, rev: revisionHex(revision) }));
      return ((await caller.ask('settled', asked)) as number[]).map((answer) => answer === 1);
    },

    async takeCleaning(limit) {
      const taken = await take('cleaning', limit);
      return taken.map(([key, revision]) => ({ key: key!, revision: revisionFromHex(revision!) }));
    },

    async cleaned(items) {
      if (items.length === 0) return;
      const members = items.map(({ key, revision }) => key + revisionHex(revision));
      await caller.onShards((redis, key) => redis.zrem(key('cleaning'), ...members));
    },

    async cleaningScheduled(items) {
      if (items.length === 0) return [];
      const members = items.map(({ key, revision }) => key + revisionHex(revision));
      const found = await caller.onShards((redis, key) => redis.zmscore(key('cleaning'), ...members));
      return members.map((_, i) => found.some((scores) => scores[i] !== null));
    },

    async takeSweep(limit = 500) {
      const now = await caller.nowMs();
      const candidates: ToSweep[] = [];
      await caller.onShards(async (redis, key) => {
        const beats = await redis.hgetall(key('workers'));
        const alive = new Set(
          Object.entries(beats).flatMap(([worker, beat]) =>
            Number.parseInt(beat, 10) >= now - workerLostMs ? [worker] : [],
          ),
        );
        for (const member of await redis.zrangebyscore(key('sweeps'), '-inf', now, 'LIMIT', 0, limit)) {
          candidates.push({ ...reference(member), member, set: 'sweeps' });
        }
        for (let from = 0; ; from += INTENT_PAGE) {
          const page = await redis.zrangebyscore(
            key('intents'),
            '-inf',
            now - workerLostMs,
            'WITHSCORES',
            'LIMIT',
            from,
            INTENT_PAGE,
          );
          for (let i = 0; i < page.length; i += 2) {
            const member = page[i]!;
            const old = Number(page[i + 1]) < now - SWEEP_AGAIN_MS;
            if (old || !alive.has(member.slice(40))) candidates.push({ ...reference(member), member, set: 'intents' });
          }
          if (page.length < INTENT_PAGE * 2) break;
        }
      });
      const asked = candidates.map((item) => ({ ...packed(item), member: item.member, set: item.set }));
      const answers = (await caller.ask('sweep', asked, [INTENT_FORGOTTEN_MS])) as number[];
      return candidates.filter((_, i) => answers[i] === 1).slice(0, limit);
    },

    async swept(items) {
      const asked = items.map((item) => {
        return { ...packed(item), member: item.member, set: item.set, done: true, again: SWEEP_AGAIN_MS };
      });
      await caller.ask('sweep', asked, [INTENT_FORGOTTEN_MS]);
    },

    async forgetOld() {
      const before = (await caller.nowMs()) - FORGOTTEN_MS;
      await caller.onShards(async (redis, key) => {
        for (const [name, timeOf] of timed) {
          for await (const flat of redis.hscanStream(key(name), { count: 500 }) as AsyncIterable<string[]>) {
            const old = flat.filter((_, i) => i % 2 === 0 && timeOf(flat[i + 1]!) < before);
            if (old.length > 0) await redis.hdel(key(name), ...old);
          }
        }
      });
    },
  };
}

/** Hashes whose values carry a time in ms, and where in the value it is. */
const timed: [LedgerKeyName, (value: string) => number][] = [
  ['submissions', (value) => Number.parseInt(value.slice(13), 10)],
  ['producers', (value) => Number(value)],
  ['workers', (value) => Number.parseInt(value, 10)],
  ['suspects', (value) => Number.parseInt(value, 10)],
];

/** `<chunk id>` or `<chunk id>:<worker>`; a chunk id has 39 characters. */
function reference(member: string): ChunkRef {
  return {
    key: member.slice(0, 21),
    revision: revisionFromHex(member.slice(21, 34)),
    ordinal: Number.parseInt(member.slice(34, 39), 16),
  };
}

function packed({ key, revision, ordinal }: ChunkRef) {
  return { key, rev: revisionHex(revision), ord: ordinal };
}
