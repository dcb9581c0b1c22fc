/**
 * Back-pressure: producers wait while the backlog (in tokens) or Redis memory is above its mark. Memory has two marks, so that
 * producers do not stutter at one. When the ledger and the dead letters alone are above the mark, waiting cannot help:
 * admission fails with `ledger_full` and says what the line needs.
 */
import { type Clock, SluiceError, systemClock } from '@sluice/core';
import type { Redis } from 'ioredis';
import { allShards, type LineAddress, ledgerKey, shardTag } from './address.ts';
import { guarded } from './errors.ts';
import { redisInfo } from './redis-info.ts';

/** What a settled document takes in Redis at most; measured by `bench/ledger-memory.ts`. */
export const LEDGER_BYTES_PER_DOCUMENT = 150;

export interface AdmissionOptions {
  /** Producers wait while more tokens than this are queued, and go on below nine tenths of it. */
  backlogTokens: number;
  /** Share of maxmemory at which producers stop, and below which they go on. */
  memoryPause?: number;
  memoryResume?: number;
  clock?: Clock;
}

export interface AdmissionState {
  /** Why producers wait; undefined: they may go on. */
  reason: 'backlog' | 'memory' | undefined;
  backlogTokens: number;
  /** Documents on record. */
  documents: number;
  usedBytes: number;
  /** 0: no limit. */
  maxBytes: number;
  /** Bytes that stay however long one waits. */
  ledgerBytes: number;
  deadLetterBytes: number;
}

export interface Admission {
  /**
   * Resolves when there is room; at once when the signal aborts. `onWait` is called with the reason in words when waiting
   * begins, and again when the reason changes. Throws `ledger_full`, or `queue_*` when Redis cannot be asked.
   */
  wait(signal?: AbortSignal, onWait?: (reason: string, state: AdmissionState) => void): Promise<void>;
  /**
   * For services, which do not wait: throws `backlog_full` with `retryAfterMs` when there is no room, `ledger_full` when there
   * will be none.
   */
  admit(): Promise<void>;
  /** The present state, asked now. */
  state(): Promise<AdmissionState>;
}

/** A check costs two round trips; documents come faster than that matters. */
const CHECK_EVERY_MS = 250;
const WAIT_MS = 500;
const RETRY_AFTER_MS = 5_000;
const BACKLOG_RESUME = 0.9;

export function openAdmission(redis: Redis, address: LineAddress, options: AdmissionOptions): Admission {
  const { backlogTokens: mark, memoryPause = 0.65, memoryResume = 0.55, clock = systemClock } = options;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let held: AdmissionState['reason'];

  async function state(): Promise<AdmissionState> {
    const info = await redisInfo(redis);
    let backlog = 0;
    let documents = 0;
    let ledgerBytes = 0;
    let deadLetterBytes = 0;
    const tight = info.maxBytes > 0 && info.usedBytes > memoryResume * info.maxBytes;
    await guarded(async () => {
      for (const shard of allShards(address)) {
        const tag = shardTag(address, shard);
        const totals = await redis.hmget(ledgerKey(tag, 'totals'), 'backlog', 'dead:bytes', 'o', 's', 'p', 'd');
        const [tokens, bytes, ...states] = totals.map((value) => Number(value ?? 0));
        backlog += tokens!;
        deadLetterBytes += bytes!;
        documents += states.reduce((sum, count) => sum + count, 0);
        // Asked only when it matters: an estimate over 200 sampled documents.
        if (tight) ledgerBytes += (await redis.memory('USAGE', ledgerKey(tag, 'docs'), 'SAMPLES', 200)) ?? 0;
      }
    });
    const backlogLimit = held === 'backlog' ? mark * BACKLOG_RESUME : mark;
    const memoryLimit = (held === 'memory' ? memoryResume : memoryPause) * info.maxBytes;
    const reason =
      info.maxBytes > 0 && info.usedBytes > memoryLimit ? 'memory' : backlog > backlogLimit ? 'backlog' : undefined;
    return {
      reason,
      backlogTokens: backlog,
      documents,
      usedBytes: info.usedBytes,
      maxBytes: info.maxBytes,
      ledgerBytes,
      deadLetterBytes,
    };
  }

  return {
    state,

    async admit() {
      if (held === undefined && clock.monotonicMs() - checkedAt < CHECK_EVERY_MS) return;
      const now = await state();
      checkedAt = clock.monotonicMs();
      held = now.reason;
      if (held === undefined) return;
      if (held === 'memory') refuseIfHopeless(now, memoryPause, memoryResume);
      throw new SluiceError('backlog_full', {
        message: `There is no room for more work: ${inWords(now, mark)}`,
        retryAfterMs: RETRY_AFTER_MS,
      });
    },

    async wait(signal, onWait) {
      if (held === undefined && clock.monotonicMs() - checkedAt < CHECK_EVERY_MS) return;
      let told: AdmissionState['reason'];
      while (signal?.aborted !== true) {
        const now = await state();
        checkedAt = clock.monotonicMs();
        held = now.reason;
        if (held === undefined) return;
        if (held === 'memory') refuseIfHopeless(now, memoryPause, memoryResume);
        if (held !== told) onWait?.(inWords(now, mark), now);
        told = held;
        await clock.sleep(WAIT_MS, signal);
      }
    },
  };
}

function inWords({ reason, backlogTokens, usedBytes, maxBytes }: AdmissionState, mark: number): string {
  return reason === 'memory'
    ? `Redis memory is at ${Math.round((usedBytes / maxBytes) * 100)} %`
    : `the backlog has ${backlogTokens} tokens, its mark is ${mark}`;
}

/** What stays in Redis is above the mark at which producers would go on: no worker can make room. */
function refuseIfHopeless(state: AdmissionState, memoryPause: number, memoryResume: number): void {
  const staying = state.ledgerBytes + state.deadLetterBytes;
  if (staying <= memoryResume * state.maxBytes) return;
  const perDocument = Math.round(state.ledgerBytes / Math.max(1, state.documents));
  throw new SluiceError('ledger_full', {
    message: `The ledger (${state.documents} documents of ${perDocument} bytes) and dead letters (${state.deadLetterBytes} bytes) fill Redis`,
    expected: `at most ${Math.round(memoryResume * state.maxBytes)} bytes`,
    got: `${staying} bytes`,
    fix: `Raise maxmemory of Redis to at least ${Math.ceil(staying / memoryPause / 1_048_576) * 2} MiB, or drop dead letters with \`sluice dead drop\`.`,
  });
}
