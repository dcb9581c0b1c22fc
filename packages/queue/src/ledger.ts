/**
 * The ledger: what Redis knows of each document of a line. Every verb is one atomic Lua call a shard, takes batches, and is safe to
 * repeat. The states are described at the head of lua/preamble.lua, the record layouts in this package's README, the
 * protocol in docs/delivery.md.
 */
import type { Redis } from 'ioredis';
import { allShards, type LineAddress, shardTag } from './address.ts';
import { type Birth, createBirth } from './birth.ts';
import { createCaller } from './caller.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createDeletions, type Deletions } from './deletions.ts';
import { guarded } from './errors.ts';
import { createHandingIn, type HandingIn } from './handing-in.ts';
import { primaries } from './open-connection.ts';
import { createPoison, type Poison } from './poison.ts';
import { createPresence, type Presence } from './presence.ts';
import { createReading, type Reading } from './reading.ts';
import { createReconciling, type Reconciling } from './reconciling.ts';
import { createSettling, type Settling } from './settling.ts';
import { createWriting, type Writing } from './writing.ts';

export interface LedgerOptions {
  /** A prepared revision of the same content is taken up when its producer was silent so long. Default 30 s. */
  producerGoneMs?: number;
  /** What was taken to settle or clean is taken again after so long. Default 30 s. */
  leaseMs?: number;
  /** Write intents of a worker that was silent so long are swept. Default 60 s. */
  workerLostMs?: number;
  /** Engine calls of a worker that was silent so long ended with its process. Default 10 s. */
  workerDeadMs?: number;
  /** Share of maxmemory that dead letters may take before the line stops. Default 0.1. */
  deadLetterShare?: number;
  /** Time in microseconds instead of Redis' own; for tests. */
  timeUs?: () => string;
}

export interface Ledger
  extends Birth,
    HandingIn,
    Writing,
    Settling,
    Deletions,
    Reading,
    DeadLetters,
    Presence,
    Poison,
    Reconciling {
  readonly address: LineAddress;
  /** Removes everything of this line and epoch: ledger, queue, runs. Not undoable. */
  drop(): Promise<void>;
}

export function openLedger(redis: Redis, address: LineAddress, options: LedgerOptions = {}): Ledger {
  const caller = createCaller(redis, address, options.timeUs);
  return {
    address,
    ...createBirth(caller),
    ...createHandingIn(caller, options),
    ...createWriting(caller, options),
    ...createSettling(caller, options),
    ...createDeletions(caller),
    ...createReading(caller),
    ...createDeadLetters(caller),
    ...createPresence(caller),
    ...createPoison(caller, options),
    ...createReconciling(caller),
    async drop() {
      for (const shard of allShards(address)) await unlinkAll(redis, `${shardTag(address, shard)}:*`);
    },
  };
}

/** Deletes every key of a pattern, without blocking Redis for long. */
async function unlinkAll(redis: Redis, pattern: string): Promise<void> {
  await guarded(async () => {
    for (const server of primaries(redis)) {
      for await (const keys of server.scanStream({ match: pattern, count: 500 }) as AsyncIterable<string[]>) {
        if (keys.length > 0) await redis.unlink(...keys);
      }
    }
  });
}
