/**
 * Whether a line is still what it was when it was opened. A collection can be dropped and made anew under its name, and Redis can
 * lose its data or be another one after a failover; neither says so. What is not the same any more must not be reported stored.
 */
import { SluiceError } from '@sluice/core';
import { type Ledger, shardPrefixes } from '@sluice/queue';
import type { LineInfo, Store } from '@sluice/store';

export interface LineIdentity {
  /** Throws `missing_collection` or `epoch_changed`. One describe of Milvus, milliseconds. */
  proveCollection(): Promise<void>;
  /**
   * Ties what this process hands in to the ledger that is there now: in any other nothing is drawn. A line without rows begins one.
   * Throws `ledger_lost` where the collection has rows that no ledger knows: everything would be embedded again beside them.
   */
  holdLedger(): Promise<void>;
  /** Throws `ledger_lost` once the ledger is not the one that was seen before. One read a shard. */
  proveLedger(): Promise<void>;
}

interface Identified {
  store: Pick<Store, 'describeLine' | 'countRows'>;
  info: Pick<LineInfo, 'line' | 'epoch' | 'collection' | 'shards'>;
  ledger: Pick<Ledger, 'births' | 'begin' | 'holdTo'>;
}

export function createLineIdentity({ store, info, ledger }: Identified): LineIdentity {
  /** By shard; of a process that only reads, a shard may not be born. */
  let known: readonly (string | undefined)[] = [];

  /** Rows of shards that were never born, or whose birth was lost. */
  async function refuseRowsOf(unborn: readonly number[]): Promise<void> {
    const prefixes = unborn.length === info.shards ? [] : unborn.flatMap((shard) => shardPrefixes(shard, info.shards));
    const rows = await store.countRows(info.collection, prefixes);
    // A row comes after its ledger's birth: asked in this order, one that is being filled just now is not taken for lost.
    if (rows === 0 || !(await ledger.births()).includes(undefined)) return;
    throw new SluiceError('ledger_lost', {
      message: 'The collection has rows and the ledger is empty, or is being made again',
      where: `line ${info.line}${prefixes.length === 0 ? '' : `, shard ${unborn.join(', ')}`}`,
      got: `${rows} rows`,
    });
  }

  return {
    async holdLedger() {
      const found = await ledger.births();
      const unborn = [...found.keys()].filter((shard) => found[shard] === undefined);
      if (unborn.length > 0) {
        await refuseRowsOf(unborn);
        await ledger.begin();
      }
      const births = unborn.length > 0 ? await ledger.births() : found;
      if (!isBorn(births)) {
        throw new SluiceError('ledger_lost', {
          message: 'The ledger was lost as it began',
          where: `line ${info.line}`,
        });
      }
      known = births;
      ledger.holdTo(births);
    },

    async proveCollection() {
      const found = await store.describeLine(info.line);
      if (found === undefined) {
        throw new SluiceError('missing_collection', {
          message: 'The collection was dropped while it was in use',
          where: info.collection,
        });
      }
      if (found.epoch === info.epoch) return;
      throw new SluiceError('epoch_changed', {
        message: 'The collection was dropped and made anew while it was in use',
        where: info.collection,
        expected: `epoch ${info.epoch}`,
        got: `epoch ${found.epoch}`,
      });
    },

    async proveLedger() {
      const births = await ledger.births();
      for (const [shard, birth] of births.entries()) {
        if (known[shard] !== undefined && birth !== known[shard]) {
          throw new SluiceError('ledger_lost', {
            message:
              birth === undefined ? 'The ledger is empty and was not' : 'Another ledger is in the place of this one',
            where: `line ${info.line}, shard ${shard}`,
          });
        }
      }
      known = births;
    },
  };
}

function isBorn(births: readonly (string | undefined)[]): births is readonly string[] {
  return !births.includes(undefined);
}
