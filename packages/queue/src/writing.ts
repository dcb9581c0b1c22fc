/**
 * Workers' verbs around one write: fence 1 (with the write intent), mark (fence 2 and the stored mark in one step), dead, and
 * what was promised about own keys. Answers decide, never errors: an error means that nothing is known and the call is repeated.
 */
import { type DocumentKey, type Revision, revisionHex, SluiceError } from '@sluice/core';
import type { Caller } from './caller.ts';
import type { ChunkJob } from './chunk-job.ts';
import { redisInfo } from './redis-info.ts';

export interface ChunkRef {
  key: DocumentKey;
  revision: Revision;
  ordinal: number;
}

/**
 * `current`, `prepared` go on · `already-stored` complete, write nothing · `overtaken` delete exactly the own keys, complete ·
 * `unknown` write nothing, delete nothing: `ledger_lost`.
 */
export type FenceAnswer = 'current' | 'prepared' | 'already-stored' | 'overtaken' | 'unknown';

export interface Fence {
  answer: FenceAnswer;
  /** Rows of older revisions may exist: asking for reusable vectors is worth a query. */
  older: boolean;
}

export type MarkAnswer = 'stored' | 'already-stored' | 'overtaken' | 'unknown';

/**
 * `dead` recorded · `dead-in-a-row` recorded, and twenty different documents one after another died with this code: the line is to
 * stop · the others: nobody wants the chunk any more.
 */
export type DeadAnswer = 'dead' | 'dead-in-a-row' | Exclude<MarkAnswer, 'stored'>;

export interface Mark extends ChunkRef {
  /** Total tokens of the chunk, as in its job: they leave the backlog. */
  tokens: number;
  /** The vector came from an older revision. */
  reused: boolean;
}

export interface Death extends ChunkRef {
  tokens: number;
  /** Error code that says why. */
  code: string;
  /** What happened, one sentence, no document text. */
  reason: string;
  /** How often it was tried, where that was counted. */
  attempts?: number | undefined;
  /** The job itself: a retry adds it again. */
  job: ChunkJob;
}

export interface Writing {
  /** Fence 1. Records a write intent of `worker` for every chunk that may be written. */
  fence(items: readonly ChunkRef[], worker: string): Promise<Fence[]>;
  /** Fence 2: the rows were acknowledged. Safe to repeat. */
  mark(items: readonly Mark[], worker: string): Promise<MarkAnswer[]>;
  /** After `overtaken`: the own keys are deleted (or were never sent), so no sweep is needed. */
  release(items: readonly ChunkRef[], worker: string): Promise<void>;
  /**
   * Dead letters. Throws `too_many_dead`, and records nothing, when dead letters have used up their share of Redis memory: then
   * something is wrong with the line.
   */
  dead(items: readonly Death[], worker: string): Promise<DeadAnswer[]>;
  /** Counts an attempt of a chunk whose failure nobody understands; returns how many it has used, 0 if it is wanted no more. */
  attempt(items: readonly ChunkRef[]): Promise<number[]>;
}

/** What a dead letter keeps. `job.text` is for the retry alone and is never shown. */
export interface DeadLetterRecord {
  v: 1;
  at: number;
  code: string;
  reason: string;
  worker: string;
  attempts: number;
  job: ChunkJob;
}

/** Tenth of Redis memory: enough for thousands of letters, too little to starve the queue. */
const DEAD_LETTER_SHARE = 0.1;

export function createWriting(caller: Caller, { deadLetterShare = DEAD_LETTER_SHARE } = {}): Writing {
  const packed = ({ key, revision, ordinal }: ChunkRef) => ({ key, rev: revisionHex(revision), ord: ordinal });

  async function refuseOverBudget(): Promise<void> {
    const { maxBytes } = await redisInfo(caller.redis);
    if (maxBytes === 0) return;
    const shards = await caller.onShards((redis, key) => redis.hget(key('totals'), 'dead:bytes'));
    const bytes = shards.reduce((sum, value) => sum + Number(value ?? 0), 0);
    const budget = Math.floor(deadLetterShare * maxBytes);
    if (bytes < budget) return;
    throw new SluiceError('too_many_dead', {
      message: 'Dead letters have used up their share of Redis memory',
      expected: `less than ${budget} bytes`,
      got: `${bytes} bytes`,
    });
  }

  return {
    async fence(items, worker) {
      const answers = (await caller.ask('fence', items.map(packed), [worker])) as [FenceAnswer, string][];
      return answers.map(([answer, older]) => ({ answer, older: older === '1' }));
    },

    async mark(items, worker) {
      const asked = items.map((item) => ({ ...packed(item), tokens: item.tokens, reused: item.reused }));
      return (await caller.ask('mark', asked, [worker])) as MarkAnswer[];
    },

    async release(items, worker) {
      await caller.ask('release', items.map(packed), [worker]);
    },

    async dead(items, worker) {
      await refuseOverBudget();
      const at = await caller.nowMs();
      const asked = items.map(({ code, reason, attempts = 1, job, tokens, ...ref }) => {
        const letter: DeadLetterRecord = { v: 1, at, code, reason, worker, attempts, job };
        return { ...packed(ref), tokens, code, letter: JSON.stringify(letter) };
      });
      return (await caller.ask('dead', asked, [worker])) as DeadAnswer[];
    },

    async attempt(items) {
      return (await caller.ask('attempt', items.map(packed))) as number[];
    },
  };
}
