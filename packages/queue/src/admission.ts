/**
 * Back-pressure: producers wait while the backlog (in tokens) or Redis memory is above its mark. Memory has two marks, so that
 * producers do not stutter at one. When the ledger and the dead letters alone are above the mark, waiting cannot help:
 * admission fails with `ledger_full` and says what the line needs.
 *
 * The backlog's mark is shared. Bulk work stops at four fifths of it, so that live work finds room; and above a mark a tenant is
 * still admitted while it has less than its share, the mark divided by those who have something, and nobody is above twice the
 * mark. What a tenant has is its part of the backlog and what of it is on its way there.
 */
import { type Clock, SluiceError, systemClock } from '@sluice/core';
import type { Redis } from 'ioredis';
import { allShards, type LineAddress, ledgerKey, shardTag } from './address.ts';
import { createCaller } from './caller.ts';
import { QUEUE_NAME } from './chunk-queue.ts';
import { guarded } from './errors.ts';
import { createPresence } from './presence.ts';
import { createReading, type Share } from './reading.ts';
import { redisInfo } from './redis-info.ts';
import type { Priority } from './submission.ts';

/** What a settled document takes in Redis at most; measured by `bench/ledger-memory`. */
export const LEDGER_BYTES_PER_DOCUMENT = 150;

export interface AdmissionOptions {
  /** Producers wait while more tokens than this are queued (a job counts for 64 at least), and go on below nine tenths of it. */
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

/** What asks for room. */
export interface Work {
  /** Default live: the whole mark. */
  priority?: Priority | undefined;
  /** '' for documents without one; undefined: no share is looked at. */
  tenant?: string | undefined;
  /** What is accepted and not in the backlog yet: submissions that wait to be chunked. */
  onTheirWay?: OnTheirWay | undefined;
}

export interface OnTheirWay {
  shares: readonly Share[];
  /** Tokens of which it is not known whose they are. */
  ofNobody: number;
}

export interface Admission {
  /**
   * Resolves when there is room; at once when the signal aborts. `onWait` is called with the reason in words when waiting
   * begins, and again when the reason changes. Throws `ledger_full`, or `queue_*` when Redis cannot be asked.
   */
  wait(signal?: AbortSignal, onWait?: (reason: string, state: AdmissionState) => void, work?: Work): Promise<void>;
  /**
   * For services, which do not wait: throws `backlog_full` when there is no room, `ledger_full` when there will be none.
   * `retryAfterMs` is the time in which the line, at its rate of the last minute, comes below the mark.
   */
  admit(work?: Work): Promise<void>;
  /** The present state, asked now. */
  state(): Promise<AdmissionState>;
}

/** Share of maxmemory at which producers wait. */
export const MEMORY_PAUSE = 0.65;
/** What a waiting job counts for at least: it takes 1.2 kB of Redis however short its text, so the mark bounds jobs too. */
export const LEAST_JOB_TOKENS = 64;
/** A check costs two round trips; documents come faster than that matters. */
const CHECK_EVERY_MS = 250;
const WAIT_MS = 500;
const BACKLOG_RESUME = 0.9;
/** Of the backlog's mark, for bulk work. */
export const BULK_SHARE = 0.8;
/** Of the mark: who has less than their share is admitted up to here. */
const SHARES_END = 2;
const NOTHING: OnTheirWay = { shares: [], ofNobody: 0 };
/** Where no rate is known: nothing was stored in the last minute, or memory is what lacks. */
const RETRY_AFTER_MS = 10_000;
const RETRY_AFTER_LEAST_MS = 1_000;
const RETRY_AFTER_MOST_MS = 300_000;

interface Hold {
  /** The last one who asked was refused, or would have been without a share: it is looked again for everybody. */
  held: boolean;
  /** Of the last look: above it, the lower marks count. */
  reason?: AdmissionState['reason'];
  at?: { state: AdmissionState; ms: number };
}

export function openAdmission(redis: Redis, address: LineAddress, options: AdmissionOptions): Admission {
  const { backlogTokens: mark, memoryPause = MEMORY_PAUSE, memoryResume = 0.55, clock = systemClock } = options;
  const holds: Record<Priority, Hold> = { live: { held: false }, bulk: { held: false } };
  const reading = createReading(createCaller(redis, address));
  const presence = createPresence(createCaller(redis, address));
  /** Many ask at a time; one look answers them. */
  const looking: Partial<Record<Priority, Promise<AdmissionState>>> = {};

  const markOf = (priority: Priority): number => (priority === 'bulk' ? BULK_SHARE * mark : mark);

  /** Undefined: there is room. While there is, one look is good for a while. */
  async function refusalOf({
    priority = 'live',
    tenant,
    onTheirWay = NOTHING,
  }: Work): Promise<AdmissionState | undefined> {
    const hold = holds[priority];
    const fresh = !hold.held && hold.at !== undefined && clock.monotonicMs() - hold.at.ms < CHECK_EVERY_MS;
    const now = fresh ? hold.at!.state : await lookOnce(priority);
    if (now.reason === 'memory') {
      hold.held = true;
      refuseIfHopeless(now, memoryPause, memoryResume);
      return now;
    }
    const limit = markOf(priority);
    const backlogTokens = now.backlogTokens + tokensOf(onTheirWay);
    hold.held = now.reason === 'backlog' || backlogTokens > limit;
    if (!hold.held) return undefined;
    const shared = tenant !== undefined && backlogTokens < SHARES_END * limit;
    if (shared && (await isBelowShare(tenant, limit, onTheirWay.shares))) return undefined;
    return { ...now, reason: 'backlog', backlogTokens };
  }

  async function lookOnce(priority: Priority): Promise<AdmissionState> {
    looking[priority] ??= look(priority).finally(() => {
      delete looking[priority];
    });
    const state = await looking[priority];
    holds[priority].at = { state, ms: clock.monotonicMs() };
    holds[priority].reason = state.reason;
    return state;
  }

  async function isBelowShare(tenant: string, limit: number, onTheirWay: OnTheirWay['shares']): Promise<boolean> {
    const having = new Map<string, number>();
    for (const share of [...(await reading.shares()), ...onTheirWay]) {
      having.set(share.tenant, (having.get(share.tenant) ?? 0) + share.backlogTokens);
    }
    const own = having.get(tenant) ?? 0;
    const sharers = having.size + (having.has(tenant) ? 0 : 1);
    return own < limit / sharers;
  }

  async function retryAfter(priority: Priority, { reason, backlogTokens }: AdmissionState): Promise<number> {
    const { tokensPerSecond } = await presence.statistics();
    if (reason === 'memory' || tokensPerSecond === 0) return RETRY_AFTER_MS;
    const over = backlogTokens - BACKLOG_RESUME * markOf(priority);
    return Math.min(RETRY_AFTER_MOST_MS, Math.max(RETRY_AFTER_LEAST_MS, (over * 1_000) / tokensPerSecond));
  }

  async function look(priority: Priority): Promise<AdmissionState> {
    const held = holds[priority].reason;
    const limit = markOf(priority);
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
        const queued = await redis.zcard(`${tag}:${QUEUE_NAME}:prioritized`);
        backlog += Math.max(tokens!, LEAST_JOB_TOKENS * queued);
        deadLetterBytes += bytes!;
        documents += states.reduce((sum, count) => sum + count, 0);
        // Asked only when it matters: an estimate over 200 sampled documents.
        if (tight) ledgerBytes += (await redis.memory('USAGE', ledgerKey(tag, 'docs'), 'SAMPLES', 200)) ?? 0;
      }
    });
    const backlogLimit = held === 'backlog' ? limit * BACKLOG_RESUME : limit;
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
    state: () => look('live'),

    async admit(work = {}) {
      const refusal = await refusalOf(work);
      if (refusal === undefined) return;
      const { priority = 'live' } = work;
      throw new SluiceError('backlog_full', {
        message: `There is no room for more work: ${inWords(refusal, markOf(priority))}`,
        retryAfterMs: Math.round(await retryAfter(priority, refusal)),
      });
    },

    async wait(signal, onWait, work = {}) {
      let told: AdmissionState['reason'];
      while (signal?.aborted !== true) {
        const refusal = await refusalOf(work);
        if (refusal === undefined) return;
        if (refusal.reason !== told) onWait?.(inWords(refusal, markOf(work.priority ?? 'live')), refusal);
        told = refusal.reason;
        await clock.sleep(WAIT_MS, signal);
      }
    },
  };
}

/** Of memory it is said what fills it: waiting makes room where it is the backlog, dropping where it is dead letters. */
function inWords(state: AdmissionState, mark: number): string {
  const { reason, backlogTokens, usedBytes, maxBytes, ledgerBytes, deadLetterBytes } = state;
  if (reason !== 'memory') return `the backlog has ${backlogTokens} tokens, its mark is ${mark}`;
  const share = (bytes: number) => `${Math.round((Math.max(0, bytes) / maxBytes) * 100)} %`;
  const rest = usedBytes - ledgerBytes - deadLetterBytes;
  return `Redis memory is at ${share(usedBytes)}: the ledger takes ${share(ledgerBytes)}, dead letters take ${share(deadLetterBytes)}, the backlog and the rest ${share(rest)}`;
}

function tokensOf({ shares, ofNobody }: OnTheirWay): number {
  return shares.reduce((total, { backlogTokens }) => total + backlogTokens, ofNobody);
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
    fix: `Raise maxmemory of Redis to at least ${Math.ceil(staying / memoryPause / 1_048_576) * 2} MiB, or drop dead letters with \`npx sluice dead drop\`.`,
  });
}
