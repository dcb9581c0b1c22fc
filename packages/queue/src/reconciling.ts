/** After Redis was lost: the ledger is made again from what the collection holds. Under the line's lease, workers stopped. */
import { randomUUID } from 'node:crypto';
import { type DocumentKey, type Revision, revisionHex } from '@sluice/core';
import { ledgerKey, shardTag } from './address.ts';
import type { Caller } from './caller.ts';
import { guarded } from './errors.ts';

export interface Adopt {
  key: DocumentKey;
  /** The highest complete revision in the collection. */
  revision: Revision;
  hash: string;
  /** Of the line's present cut: rows do not say how they were cut, and another cut alone is no change. */
  cut: string;
  chunkCount: number;
  source?: number | undefined;
}

export interface Lease {
  /** False: somebody else has it now; stop at once. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

export interface Reconciling {
  /**
   * Puts whole revisions on record; false where the ledger knows a higher one or work is under way. A ledger that was lost is born
   * afterwards, by `begin`: until then nobody hands in to it.
   */
  adopt(items: readonly Adopt[]): Promise<boolean[]>;
  /**
   * Stored revisions whose rows are missing or wrong: handed in again, their documents count as changed. False where that
   * revision is not the stored one any more.
   */
  distrust(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<boolean[]>;
  /** The line's lease: who has it may rewrite the ledger. Undefined: somebody else has it. */
  lease(ttlMs?: number): Promise<Lease | undefined>;
}

const renewScript = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])`;
const releaseScript = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`;

const LEASE_MS = 30_000;

export function createReconciling(caller: Caller): Reconciling {
  return {
    async adopt(items) {
      const asked = items.map(({ key, revision, hash, cut, chunkCount, source }) => {
        return {
          key,
          rev: revisionHex(revision),
          hash,
          cut,
          n: chunkCount,
          source: source === undefined ? '' : `${source}`,
        };
      });
      return ((await caller.ask('adopt', asked)) as number[]).map((answer) => answer === 1);
    },

    async distrust(items) {
      const asked = items.map(({ key, revision }) => ({ key, rev: revisionHex(revision) }));
      return ((await caller.ask('distrust', asked)) as number[]).map((answer) => answer === 1);
    },

    async lease(ttlMs = LEASE_MS) {
      const holder = randomUUID();
      const key = ledgerKey(shardTag(caller.address, 0), 'lease');
      if ((await guarded(() => caller.redis.set(key, holder, 'PX', ttlMs, 'NX'))) !== 'OK') return undefined;
      const ifMine = (script: string) => guarded(() => caller.redis.eval(script, 1, key, holder, ttlMs));
      return {
        renew: async () => (await ifMine(renewScript)) === 1,
        release: async () => void (await ifMine(releaseScript)),
      };
    },
  };
}
