/** Dead letters: what is kept of a chunk whose verdict is final, until it is tried again, dropped or overtaken. */
import { type DocumentKey, parseChunkId, type Revision, revisionFromHex, revisionHex, totalTokens } from '@sluice/core';
import type { Caller } from './caller.ts';
import type { ChunkJob } from './chunk-job.ts';
import { guarded } from './errors.ts';
import { chunkPriorities } from './fair-order.ts';
import { type RunRef, runNumber } from './run-ref.ts';
import type { ChunkRef, DeadLetterRecord } from './writing.ts';

/** A dead letter as people see it: no text. */
export interface DeadLetter extends ChunkRef {
  documentId: string;
  tenant?: string;
  run?: string;
  code: string;
  reason: string;
  worker: string;
  attempts: number;
  /** Wall clock, ms. */
  at: number;
  tokens: number;
  chunkCount: number;
}

export interface DeadLetterFilter {
  run?: RunRef;
  documentId?: string;
  code?: string;
}

export interface Retry extends ChunkRef {
  /** To be added to the queue; undefined where nobody wants the chunk any more. */
  job: ChunkJob | undefined;
  /** Its place there. */
  priority: number;
}

export type Dropped = { answer: 'restored' | 'deleted'; revision: Revision } | { answer: 'gone' };

export interface DeadLetters {
  /** Oldest first within a shard. */
  deadLetters(filter?: DeadLetterFilter): AsyncIterable<DeadLetter>;
  /** Some letters of the line, newest first, for who pages through them. */
  newestDeadLetters(from: number, limit: number): Promise<DeadLetter[]>;
  /** One letter by chunk id, without its job. */
  deadLetterOf(chunk: string): Promise<DeadLetter | undefined>;
  /** One letter with its job, for `dead show` and `dead export`. */
  deadLetter(ref: ChunkRef): Promise<(DeadLetter & { job: ChunkJob }) | undefined>;
  /**
   * The chunks wait again, under a new generation; add the jobs to the queue afterwards. Until they have another outcome the
   * letters stay, so that a crash in between only means retrying again.
   */
  retry(refs: readonly ChunkRef[]): Promise<Retry[]>;
  /**
   * Chunks that were to be tried again and have had no outcome for so long (ten minutes): whoever retried may have died before
   * the jobs were in. Adding their jobs again is harmless.
   */
  retryStranded(olderThanMs?: number): Promise<(Retry & { job: ChunkJob })[]>;
  /** Gives revisions up: their rows are scheduled for deletion and the whole revision is current again, or a tombstone. */
  dropRevision(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<Dropped[]>;
  /** Bytes that dead letters take. Above its budget a line stops with `too_many_dead`. */
  deadLetterBytes(): Promise<number>;
}

const STRANDED_MS = 600_000;

export function createDeadLetters(caller: Caller): DeadLetters {
  const chunk = ({ key, revision, ordinal }: ChunkRef) =>
    key + revisionHex(revision) + ordinal.toString(16).padStart(5, '0');

  async function records(ids: readonly string[]): Promise<(DeadLetterRecord | undefined)[]> {
    const wanted = ids.map((id) => ({ id }));
    if (wanted.length === 0) return [];
    const found = new Map<string, string>();
    await caller.onShards(async (redis, key) => {
      const values = await redis.hmget(key('dead'), ...ids);
      values.forEach((value, i) => {
        if (value !== null) found.set(ids[i]!, value);
      });
    });
    return wanted.map(({ id }) => {
      const value = found.get(id);
      return value === undefined ? undefined : (JSON.parse(value) as DeadLetterRecord);
    });
  }

  async function retry(refs: readonly ChunkRef[], onlyWaiting: '' | '1'): Promise<Retry[]> {
    const known = await records(refs.map(chunk));
    const asked = refs.map((ref, i) => {
      const job = known[i]?.job;
      const tokens = job === undefined ? 0 : totalTokens(job.tokens);
      return { key: ref.key, rev: revisionHex(ref.revision), ord: ref.ordinal, tokens };
    });
    const answers = (await caller.ask('retry', asked, [onlyWaiting])) as [string, string, string, string, string][];
    return refs.map((ref, i) => {
      const [answer, generation, letter, cls, tag] = answers[i]!;
      if (answer !== 'retry') return { ...ref, job: undefined, priority: 0 };
      const [priority] = chunkPriorities({ tag: Number(tag), priority: cls === 'l' ? 'live' : 'bulk' }, [0]);
      const { job } = JSON.parse(letter) as DeadLetterRecord;
      return { ...ref, job: { ...job, generation: Number(generation) }, priority: priority! };
    });
  }

  return {
    async *deadLetters(filter = {}) {
      const zsets = await caller.onShards(async (_, key) => key('dead:at'));
      for (const zset of zsets) {
        for (let from = 0; ; from += 200) {
          const ids = await guarded(() => caller.redis.zrange(zset, from, String(from + 199)));
          for (const record of await records(ids)) {
            if (record !== undefined && matches(record, filter)) yield toLetter(record);
          }
          if (ids.length < 200) break;
        }
      }
    },

    async newestDeadLetters(from, limit) {
      // Each shard's newest: the page lies among them, whichever shards its letters are in.
      const shards = await caller.onShards((redis, key) =>
        redis.zrange(key('dead:at'), 0, String(from + limit - 1), 'REV', 'WITHSCORES'),
      );
      const newest = shards
        .flatMap((flat) => flat.flatMap((id, i) => (i % 2 === 0 ? [{ id, at: Number(flat[i + 1]) }] : [])))
        .sort((a, b) => b.at - a.at)
        .slice(from, from + limit);
      const found = await records(newest.map(({ id }) => id));
      return found.flatMap((record) => (record === undefined ? [] : [toLetter(record)]));
    },

    async deadLetterOf(id) {
      const [record] = await records([id]);
      return record === undefined ? undefined : toLetter(record);
    },

    async deadLetter(ref) {
      const [record] = await records([chunk(ref)]);
      return record === undefined ? undefined : { ...toLetter(record), job: record.job };
    },

    retry: (refs) => retry(refs, ''),

    async retryStranded(olderThanMs = STRANDED_MS) {
      const before = (await caller.nowMs()) - olderThanMs;
      const ids = (
        await caller.onShards((redis, key) => redis.zrangebyscore(key('retried'), '-inf', before, 'LIMIT', 0, 1_000))
      ).flat();
      const found = await retry(ids.map(parseChunkId), '1');
      return found.flatMap(({ job, ...rest }) => (job === undefined ? [] : [{ ...rest, job }]));
    },

    async dropRevision(items) {
      const asked = items.map(({ key, revision }) => ({ key, rev: revisionHex(revision) }));
      const answers = (await caller.ask('drop', asked)) as [Dropped['answer'], string][];
      return answers.map(([answer, revision]) =>
        answer === 'gone' ? { answer } : { answer, revision: revisionFromHex(revision) },
      );
    },

    async deadLetterBytes() {
      const shards = await caller.onShards((redis, key) => redis.hget(key('totals'), 'dead:bytes'));
      return shards.reduce((sum, bytes) => sum + Number(bytes ?? 0), 0);
    },
  };
}

function matches({ job, code }: DeadLetterRecord, filter: DeadLetterFilter): boolean {
  return (
    (filter.run === undefined || (job.run !== undefined && runNumber(job.run) === runNumber(filter.run))) &&
    (filter.documentId === undefined || job.documentId === filter.documentId) &&
    (filter.code === undefined || code === filter.code)
  );
}

function toLetter({ job, at, code, reason, worker, attempts }: DeadLetterRecord): DeadLetter {
  return {
    key: job.key,
    revision: job.revision,
    ordinal: job.ordinal,
    documentId: job.documentId,
    ...(job.tenant !== undefined && { tenant: job.tenant }),
    ...(job.run !== undefined && { run: job.run }),
    code,
    reason,
    worker,
    attempts,
    at,
    tokens: totalTokens(job.tokens),
    chunkCount: job.chunkCount,
  };
}
