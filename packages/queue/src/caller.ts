/** Sends a batch of items to the ledger scripts of their shards, sliced, and puts the answers back in order. */
import { type DocumentKey, SluiceError } from '@sluice/core';
import type { Redis } from 'ioredis';
import {
  allShards,
  eachShard,
  type LedgerKeyName,
  type LineAddress,
  ledgerKey,
  ledgerKeyNames,
  openKey,
  shardTag,
} from './address.ts';
import { guarded } from './errors.ts';
import { runScript, type Verb } from './scripts.ts';

/** Keeps one Lua call under a few milliseconds, so that nobody else waits long for Redis. */
const ITEMS_PER_CALL = 500;

export interface Caller {
  readonly address: LineAddress;
  readonly redis: Redis;
  /** By shard, in hex: the ledger that this process was opened on. Verbs that draw revisions do so in no other. Empty: in any. */
  births: readonly string[];
  /** One answer an item, in the order of the items. */
  ask<T extends { key: DocumentKey }>(verb: Verb, items: readonly T[], args?: (string | number)[]): Promise<unknown[]>;
  /** One call on one shard, for verbs that find their items themselves. */
  askShard(shard: number, verb: Verb, items: readonly object[], args?: (string | number)[]): Promise<unknown[]>;
  /** Runs plain commands on every shard's keys; the results are in shard order. */
  onShards<R>(act: (redis: Redis, key: (name: LedgerKeyName) => string) => Promise<R>): Promise<R[]>;
  /** Redis time in milliseconds (or the injected one). */
  nowMs(): Promise<number>;
}

export function createCaller(redis: Redis, address: LineAddress, timeUs?: () => string): Caller {
  const fixed = allShards(address).map((shard) => {
    const tag = shardTag(address, shard);
    return { tag, keys: ledgerKeyNames.map((name) => ledgerKey(tag, name)) };
  });

  async function askShard(shard: number, verb: Verb, items: readonly object[], args: (string | number)[] = []) {
    const { tag, keys } = fixed[shard]!;
    const open = items.flatMap((item) => ('key' in item ? [openKey(tag, item.key as string)] : []));
    const answer = await runScript(
      redis,
      verb,
      [...keys, ...open],
      [timeUs?.() ?? '', JSON.stringify(items), ...args, caller.births[shard] ?? ''],
    );
    if (answer !== 'lost') return answer as unknown[];
    throw new SluiceError('ledger_lost', {
      message: 'Another ledger is in the place of this one, or none',
      where: `line ${address.line}, shard ${shard}`,
    });
  }

  const caller: Caller = {
    address,
    redis,
    births: [],
    askShard,
    ask: (verb, items, args = []) =>
      eachShard(items, address, async (shard, mine) => {
        const answers: unknown[] = [];
        for (let from = 0; from < mine.length; from += ITEMS_PER_CALL) {
          answers.push(...(await askShard(shard, verb, mine.slice(from, from + ITEMS_PER_CALL), args)));
        }
        return answers;
      }),
    onShards: (act) => guarded(() => Promise.all(fixed.map(({ tag }) => act(redis, (name) => ledgerKey(tag, name))))),
    async nowMs() {
      if (timeUs !== undefined) return Math.floor(Number(timeUs()) / 1_000);
      const [seconds, micros] = await guarded(() => redis.time());
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    },
  };
  return caller;
}
