/**
 * Producers' verbs: compare, prepare, commit, remove; heartbeats; abandoning what a dead producer left. A revision supersedes
 * nothing before its commit; only then is the document accepted.
 */
import { type DocumentKey, MAX_CHUNKS_PER_DOCUMENT, type Revision, revisionFromHex, revisionHex } from '@sluice/core';
import type { Caller } from './caller.ts';
import { guarded } from './errors.ts';
import { type RunRef, runNumber } from './run-ref.ts';
import type { Priority } from './submission.ts';
import { submissionJobKey } from './submission-queue.ts';

export interface Compare {
  key: DocumentKey;
  /** Content hash, 22 characters. */
  hash: string;
  /** Cut fingerprint, 8 characters. */
  cut: string;
  /** Number of the source that the document was read from. */
  source?: number | undefined;
  /** The run that has seen it. */
  run?: RunRef | undefined;
  /** Another cut counts as a change. */
  recut?: boolean | undefined;
}

export type Comparison =
  | { answer: 'unchanged'; revision: Revision; chunkCount: number }
  /** Same content, accepted, not (wholly) stored: prepare gives the same revision and the ordinals that are missing. */
  | { answer: 'resume'; revision: Revision; chunkCount: number }
  /** This run has handed in the same content of this id before: nothing to do. Or other content: `duplicate_id`. */
  | { answer: 'repeated' | 'duplicate'; revision: Revision; chunkCount: number }
  /** `wholeRevision`: what readers have of it now, whose vectors can be reused. */
  | { answer: 'new' | 'changed'; wholeRevision?: Revision };

export interface Prepare {
  key: DocumentKey;
  id: string;
  tenant?: string | undefined;
  hash: string;
  cut: string;
  /** 1 … 16,000. */
  chunkCount: number;
  /** Total tokens of each chunk, by ordinal. */
  tokens: readonly number[];
  source?: number | undefined;
  run?: RunRef | undefined;
  /** Who hands in: any text without `|`, the same one that `beat` is called with. */
  producer: string;
  /** The revision that was reserved when the submission was accepted. */
  revision?: Revision | undefined;
  /** Default bulk. */
  priority?: Priority | undefined;
}

export interface Prepared {
  revision: Revision;
  /** Part of the job ids: chunk id + `-` + generation. */
  generation: number;
  /** Place in the order of its class, in tokens: what `chunkPriorities` makes the jobs' priorities of. */
  tag: number;
  /** Ordinals whose jobs are to be enqueued. Empty: nothing is to do but commit. */
  missing: number[];
  /** The submission came too late, something accepted later is on record: nothing is to do, not even commit. */
  overtaken?: true;
}

/**
 * `current` accepted · `superseded` a later revision or a delete is on record · `abandoned` this producer was taken for dead: hand
 * the document in again · `unknown` the ledger is not the one that prepared it (`ledger_lost`).
 */
export type Committed = 'current' | 'superseded' | 'abandoned' | 'unknown';

export interface Remove {
  key: DocumentKey;
  run?: RunRef | undefined;
}

export type Removed =
  | { answer: 'deleted' | 'already-deleted'; revision: Revision }
  /** The line has never heard of this document; nothing is recorded. */
  | { answer: 'unknown' };

export interface Reserve {
  key: DocumentKey;
  id: string;
  tenant?: string | undefined;
  /** Idempotency key of the submission: the same key for the same document gives the same revision. */
  submission?: string | undefined;
  /** Content hash, kept with the idempotency key: the same key with other content is told. Without it nothing is unchanged. */
  hash?: string | undefined;
  /** Of a producer that could not ask (a job made elsewhere): wall clock in ms at which it was made. Orders it as far as it can. */
  madeAtMs?: number | undefined;
}

export interface Reserved {
  revision: Revision;
  /** This idempotency key came before: the revision is the one of then. */
  again: boolean;
  /** It came with other content. */
  conflict: boolean;
  /** Nothing was drawn: the revision is the stored one, of the same content, and nothing else of the document is under way. */
  unchanged: boolean;
}

export interface Abandoned {
  key: DocumentKey;
  revision: Revision;
  chunkCount: number;
  /** Its jobs, to be removed from the queue, have generations 0 … generation. */
  generation: number;
}

export interface HandingIn {
  /** What is to be done with documents that were read; notes in the same step that the run has seen them. */
  compare(items: readonly Compare[]): Promise<Comparison[]>;
  /** Reserves a revision each. Supersedes nothing. Handed in again, unfinished content gets its revision back. */
  prepare(items: readonly Prepare[]): Promise<Prepared[]>;
  /** All jobs are in the queue: the revision becomes current unless a higher one is. Safe to repeat. */
  commit(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<Committed[]>;
  /** Tombstones, committed at once; the rows go when they settle. */
  remove(items: readonly Remove[]): Promise<Removed[]>;
  /** Draws revisions at the moment submissions are accepted, so that acceptance decides the order. */
  reserve(items: readonly Reserve[]): Promise<Reserved[]>;
  /** A producer's heartbeat: every 5 s as long as it works or waits. */
  beat(producer: string): Promise<void>;
  /** A producer ends in good order: what it left prepared can be taken up at once. */
  leave(producer: string): Promise<void>;
  /**
   * Gives up prepared revisions whose producer has been silent that long (ten minutes), and after two days those that a service
   * drew for a submission that never came into the queue. Their jobs are to be removed.
   */
  abandonStale(olderThanMs?: number): Promise<Abandoned[]>;
}

const PRODUCER_GONE_MS = 30_000;
const STALE_MS = 600_000;

export function createHandingIn(caller: Caller, { producerGoneMs = PRODUCER_GONE_MS } = {}): HandingIn {
  const numbered = (run: RunRef | undefined) => (run === undefined ? '' : String(runNumber(run)));
  const text = (value: number | string | undefined) => (value === undefined ? '' : String(value));

  return {
    async compare(items) {
      const asked = items.map(({ key, hash, cut, source, run, recut }) => {
        return {
          key,
          hash: sized(hash, 22),
          cut: sized(cut, 8),
          source: text(source),
          run: numbered(run),
          recut: recut === true,
        };
      });
      const answers = (await caller.ask('compare', asked)) as [Comparison['answer'], string, string, string][];
      return answers.map(([answer, revision, count, whole]) =>
        answer === 'new' || answer === 'changed'
          ? { answer, ...(whole !== '' && { wholeRevision: revisionFromHex(whole) }) }
          : { answer, revision: revisionFromHex(revision), chunkCount: Number(count) },
      );
    },

    async prepare(items) {
      const asked = items.map((item) => {
        if (
          item.tokens.length !== item.chunkCount ||
          item.chunkCount < 1 ||
          item.chunkCount > MAX_CHUNKS_PER_DOCUMENT
        ) {
          throw new RangeError(`prepare: ${item.tokens.length} token counts for ${item.chunkCount} chunks`);
        }
        if (item.producer === '' || item.producer.includes('|')) throw new RangeError(`producer: ${item.producer}`);
        return {
          key: item.key,
          id: item.id,
          tenant: text(item.tenant),
          hash: sized(item.hash, 22),
          cut: sized(item.cut, 8),
          n: item.chunkCount,
          tokens: item.tokens,
          source: text(item.source),
          run: numbered(item.run),
          producer: item.producer,
          revision: item.revision === undefined ? '' : revisionHex(item.revision),
          class: item.priority === 'live' ? 'l' : 'b',
        };
      });
      const answers = (await caller.ask('prepare', asked, [producerGoneMs])) as [
        string,
        string,
        string,
        string,
        string,
      ][];
      return answers.map(([revision, generation, outcomes, overtaken, tag], i) => ({
        revision: revisionFromHex(revision),
        generation: Number(generation),
        tag: Number(tag),
        missing: waiting(outcomes === '' ? '-'.repeat(items[i]!.chunkCount) : outcomes),
        ...(overtaken === '1' && { overtaken: true as const }),
      }));
    },

    async commit(items) {
      const asked = items.map(({ key, revision }) => ({ key, rev: revisionHex(revision) }));
      return (await caller.ask('commit', asked)) as Committed[];
    },

    async remove(items) {
      const asked = items.map(({ key, run }) => ({ key, run: numbered(run) }));
      const answers = (await caller.ask('remove', asked)) as [Removed['answer'], string][];
      return answers.map(([answer, revision]) =>
        answer === 'unknown' ? { answer } : { answer, revision: revisionFromHex(revision) },
      );
    },

    async reserve(items) {
      const asked = items.map(({ key, id, tenant, submission, hash, madeAtMs }) => {
        const made = madeAtMs === undefined ? '' : revisionHex(String(Math.floor(madeAtMs) * 1_000));
        return { key, id, tenant: text(tenant), submission: text(submission), hash: text(hash), made };
      });
      const answers = (await caller.ask('reserve', asked)) as [string, string][];
      return answers.map(([revision, again]) => ({
        revision: revisionFromHex(revision),
        again: again === '1' || again === '2',
        conflict: again === '2',
        unchanged: again === '3',
      }));
    },

    async beat(producer) {
      const now = await caller.nowMs();
      await caller.onShards((redis, key) => redis.hset(key('producers'), producer, now));
    },

    async leave(producer) {
      await caller.onShards((redis, key) => redis.hdel(key('producers'), producer));
    },

    async abandonStale(olderThanMs = STALE_MS) {
      const before = (await caller.nowMs()) - olderThanMs;
      const members = await guarded(async () =>
        (
          await caller.onShards((redis, key) => redis.zrangebyscore(key('prepared'), '-inf', before, 'LIMIT', 0, 1_000))
        ).flat(),
      );
      const asked = members.map((member) => ({ key: member.slice(0, 21), rev: member.slice(21) }));
      const abandon = async (items: readonly { key: DocumentKey; rev: string; orphaned?: true }[]) =>
        (await caller.ask('abandon', items, [olderThanMs])) as [string, string][];
      const answers = await abandon(asked);
      const submitted = asked.filter((_, i) => answers[i]![0] === '?');
      const enqueued = await areEnqueued(caller, submitted);
      const orphaned = submitted.flatMap((item, i) => (enqueued[i] ? [] : [{ ...item, orphaned: true as const }]));
      const given = [...asked.map((item, i) => ({ item, answer: answers[i]! }))];
      given.push(...(await abandon(orphaned)).map((answer, i) => ({ item: orphaned[i]!, answer })));
      return given.flatMap(({ item: { key, rev }, answer: [count, generation] }) => {
        if (count === '' || count === '?') return [];
        return [{ key, revision: revisionFromHex(rev), chunkCount: Number(count), generation: Number(generation) }];
      });
    },
  };
}

/** Whether these revisions' submissions are in the queue, rejected ones included. */
function areEnqueued(
  { redis, address }: Caller,
  items: readonly { key: DocumentKey; rev: string }[],
): Promise<boolean[]> {
  const keys = items.map(({ key, rev }) => submissionJobKey(address.line, key, revisionFromHex(rev)));
  return guarded(() => Promise.all(keys.map(async (key) => (await redis.exists(key)) === 1)));
}

/** Ordinals without an outcome. */
function waiting(outcomes: string): number[] {
  const missing: number[] = [];
  for (let ordinal = outcomes.indexOf('-'); ordinal !== -1; ordinal = outcomes.indexOf('-', ordinal + 1)) {
    missing.push(ordinal);
  }
  return missing;
}

/** Hashes and cuts have a fixed place in the packed record. */
function sized(value: string, length: number): string {
  if (value.length !== length) throw new RangeError(`expected ${length} characters, got ${JSON.stringify(value)}`);
  return value;
}
