/**
 * Which ledger this is. A shard is born once, before anything is handed in: a Redis that lost its data has an unborn one, or
 * another. Who was opened on one ledger draws no revision in another, whenever it was lost.
 */
import { type Revision, revisionHex } from '@sluice/core';
import type { Caller } from './caller.ts';

export interface Birth {
  /** The first revision that each shard of this ledger drew, in hex; undefined: it was not born, or is not whole again yet. */
  births(): Promise<(string | undefined)[]>;
  /** Every shard that was not born is, and nothing is drawn from now on at or below `floor`. */
  begin(floor?: Revision): Promise<void>;
  /** From now on whatever draws a revision throws `ledger_lost` unless these are the ledger's births. */
  holdTo(births: readonly string[]): void;
}

export function createBirth(caller: Caller): Birth {
  return {
    async births() {
      return (await caller.onShards((redis, key) => redis.hget(key('docs'), '#'))).map(birthOf);
    },

    async begin(floor = '0') {
      const item = { rev: revisionHex(floor) };
      for (let shard = 0; shard < caller.address.shards; shard += 1) await caller.askShard(shard, 'begin', [item]);
    },

    holdTo(births) {
      caller.births = births;
    },
  };
}

/** Of what `#` holds: dashes stand for a birth that is to come. */
export function birthOf(clock: string | null | undefined): string | undefined {
  return clock == null || clock.startsWith('-') ? undefined : clock.slice(0, 13);
}
