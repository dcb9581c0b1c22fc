/**
 * Whether a line is still what it was when it was opened. A collection can be dropped and made anew under its name, and Redis can
 * lose its data or be another one after a failover; neither says so. What is not the same any more must not be reported stored.
 */
import { SluiceError } from '@sluice/core';
import type { Ledger } from '@sluice/queue';
import type { LineInfo, Store } from '@sluice/store';

export interface LineIdentity {
  /** Throws `missing_collection` or `epoch_changed`. One describe of Milvus, milliseconds. */
  proveCollection(): Promise<void>;
  /** Throws `ledger_lost` once the ledger is not the one that was seen before. One read a shard. */
  proveLedger(): Promise<void>;
}

interface Identified {
  store: Pick<Store, 'describeLine'>;
  info: Pick<LineInfo, 'line' | 'epoch' | 'collection'>;
  ledger: Pick<Ledger, 'births'>;
}

export function createLineIdentity({ store, info, ledger }: Identified): LineIdentity {
  /** By shard; a shard that has drawn no revision yet was not born. */
  const known: (string | undefined)[] = [];

  return {
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
        known[shard] = birth;
      }
    },
  };
}

/**
 * Throws `ledger_lost` where a collection has rows and its ledger never gave a revision away: everything would be embedded
 * again beside rows that nobody knows. A line whose ledger was born costs one read.
 */
export async function requireLedger({
  store,
  info,
  ledger,
}: Identified & { store: Pick<Store, 'countRows'> }): Promise<void> {
  const unborn = async () => (await ledger.births()).every((birth) => birth === undefined);
  if (!(await unborn())) return;
  const rows = await store.countRows(info.collection);
  // A row comes after its ledger's birth: asked in this order, one that is being filled just now is not taken for lost.
  if (rows === 0 || !(await unborn())) return;
  throw new SluiceError('ledger_lost', {
    message: 'The collection has rows and the ledger is empty',
    where: `line ${info.line}`,
    got: `${rows} rows`,
  });
}
