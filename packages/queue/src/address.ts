/**
 * Where a line keeps its things in Redis. Everything of (line, epoch, shard) has one hash tag, so that one Lua call may touch
 * all of it on a cluster; another epoch is another tag, so that nothing of an older collection is ever met.
 */
import type { DocumentKey } from '@sluice/core';

export interface LineAddress {
  line: string;
  /** The collection's random epoch. */
  epoch: string;
  /** Fixed in the collection's properties when it is created; at most 16. */
  shards: number;
}

/** `{sluice:<line>:<epoch>:<shard>}`: hash tag, and prefix of the shard's BullMQ queue. */
export function shardTag({ line, epoch }: LineAddress, shard: number): string {
  return `{sluice:${line}:${epoch}:${shard}}`;
}

/** First hex character of the document key modulo the number of shards. */
export function shardOf(key: DocumentKey, shards: number): number {
  return Number.parseInt(key.charAt(1), 16) % shards;
}

/** Prefixes of the document keys, and so of all ids, of one shard. */
export function shardPrefixes(shard: number, shards: number): string[] {
  return Array.from({ length: 16 }, (_, digit) => digit)
    .filter((digit) => digit % shards === shard)
    .map((digit) => `d${digit.toString(16)}`);
}

/** The keys of a shard that a ledger script may touch, in the order of KEYS; `open:<document key>` follow them. */
export const ledgerKeyNames = [
  'docs',
  'totals',
  'counts',
  'settling',
  'cleaning',
  'prepared',
  'intents',
  'sweeps',
  'dead',
  'dead:at',
  'producers',
  'workers',
  'rates',
  'submissions',
  'retried',
  'calls',
  'suspects',
  'shares',
] as const;

/** The others are touched by no ledger script and live in shard 0. */
export type LedgerKeyName =
  | (typeof ledgerKeyNames)[number]
  | 'lease'
  | 'runs'
  | 'deleted'
  | 'deleted:again'
  | 'deleted:kept';

export function ledgerKey(tag: string, name: LedgerKeyName): string {
  return `${tag}:${name}`;
}

export function openKey(tag: string, key: DocumentKey): string {
  return `${tag}:open:${key}`;
}

/** Splits a batch by shard, remembering where each item came from, and puts the answers back in the order asked. */
export async function eachShard<T extends { key: DocumentKey }, R>(
  items: readonly T[],
  address: LineAddress,
  ask: (shard: number, items: T[]) => Promise<R[]>,
): Promise<R[]> {
  const groups = new Map<number, { items: T[]; places: number[] }>();
  items.forEach((item, place) => {
    const shard = shardOf(item.key, address.shards);
    const group = groups.get(shard) ?? { items: [], places: [] };
    group.items.push(item);
    group.places.push(place);
    groups.set(shard, group);
  });
  const answers = new Array<R>(items.length);
  await Promise.all(
    [...groups].map(async ([shard, group]) => {
      const part = await ask(shard, group.items);
      group.places.forEach((place, i) => {
        answers[place] = part[i]!;
      });
    }),
  );
  return answers;
}

export function allShards(address: LineAddress): number[] {
  return Array.from({ length: address.shards }, (_, shard) => shard);
}
