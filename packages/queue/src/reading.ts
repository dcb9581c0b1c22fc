/** What may be known of documents without changing anything: states, readable revisions, counts, what a run has not seen. */
import { type DocumentKey, type Revision, revisionFromHex, revisionHex } from '@sluice/core';
import { shardOf } from './address.ts';
import { birthOf } from './birth.ts';
import type { Caller } from './caller.ts';
import { guarded } from './errors.ts';
import { runId } from './run-ref.ts';

/** `prepared`: handed in or submitted, not committed yet, and nothing committed before. */
export type DocumentStateName = 'prepared' | 'open' | 'stored' | 'partial' | 'deleted';

export interface DocumentState {
  key: DocumentKey;
  state: DocumentStateName;
  /** The latest committed revision. */
  currentRevision?: Revision;
  /** Chunks of the current revision, and how many are stored and dead. */
  chunkCount: number;
  stored: number;
  dead: number;
  hash?: string;
  cut?: string;
  /** What readers get; absent if nothing is readable. */
  wholeRevision?: Revision;
  wholeChunkCount?: number;
  wholeHash?: string;
  /** Handed in, not committed. */
  preparedRevisions: Revision[];
  /** Drawn when a submission was accepted, not handed in yet. */
  reservedRevisions: Revision[];
  /** Known while the document is not settled. */
  id?: string;
  tenant?: string;
  source?: number;
  /** Latest run that saw it. */
  seenBy?: number;
  /** Run that the unsettled current revision belongs to. */
  run?: string;
  /** Every chunk is stored; rows of older revisions are still to be deleted. */
  settling: boolean;
}

export interface LedgerCounts {
  open: number;
  stored: number;
  partial: number;
  deleted: number;
  prepared: number;
  settling: number;
  cleaning: number;
  deadLetters: number;
  deadLetterBytes: number;
  writeIntents: number;
}

export interface Reading {
  /** One answer a key; undefined where the ledger knows nothing. */
  read(keys: readonly DocumentKey[]): Promise<(DocumentState | undefined)[]>;
  /** The readable revision of each document: rows of others are not shown. */
  wholeOf(keys: readonly DocumentKey[]): Promise<(Revision | undefined)[]>;
  /**
   * Every document of a source that neither a run nor a later one has seen (deleted ones excepted), some hundreds at a time, with
   * the number of documents of the source in the page. A document may come twice.
   */
  scanSource(options: { source: number; notSeenBy: number }): AsyncIterable<{ gone: DocumentKey[]; total: number }>;
  /** Whether this ledger, as it is since it was born, gave these revisions away: what it did not draw it must not delete. */
  drew(items: readonly { key: DocumentKey; revision: Revision }[]): Promise<boolean[]>;
  /** Every document with a committed revision, some hundreds at a time. */
  scan(): AsyncIterable<DocumentRecord[]>;
  counts(): Promise<LedgerCounts>;
  /** Tokens that are enqueued and neither stored, dead nor overtaken. */
  backlogTokens(): Promise<number>;
  /** The same by tenant, '' for documents without one; only those who have any. */
  shares(): Promise<Share[]>;
}

export interface Share {
  tenant: string;
  backlogTokens: number;
}

/** The packed record of `docs`, read. */
export interface DocumentRecord {
  key: DocumentKey;
  state: Exclude<DocumentStateName, 'prepared'>;
  revision: Revision;
  hash: string;
  cut: string;
  chunkCount: number;
  source?: number;
  seenBy?: number;
}

const stateNames = { o: 'open', s: 'stored', p: 'partial', d: 'deleted' } as const;

export function createReading(caller: Caller): Reading {
  async function read(keys: readonly DocumentKey[]): Promise<(DocumentState | undefined)[]> {
    const answers = (await caller.ask(
      'read',
      keys.map((key) => ({ key })),
    )) as string[][];
    return answers.map((answer, i) => (answer.length === 0 ? undefined : toState(keys[i]!, answer)));
  }

  async function* scan(): AsyncGenerator<DocumentRecord[]> {
    for (const docs of await caller.onShards(async (_, key) => key('docs'))) {
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, flat] = await guarded(() => caller.redis.hscan(docs, cursor, 'COUNT', 500));
        const records: DocumentRecord[] = [];
        for (let i = 0; i < flat.length; i += 2) {
          if (flat[i] !== '#') records.push(unpackRecord(flat[i]!, flat[i + 1]!));
        }
        cursor = next;
        if (records.length > 0) yield records;
      }
    }
  }

  return {
    read,
    scan,
    wholeOf: async (keys) => (await read(keys)).map((state) => state?.wholeRevision),

    async *scanSource({ source, notSeenBy }) {
      for await (const records of scan()) {
        const ours = records.filter((record) => record.source === source && record.state !== 'deleted');
        const gone = ours.filter((record) => (record.seenBy ?? 0) < notSeenBy).map((record) => record.key);
        if (ours.length > 0) yield { gone, total: ours.length };
      }
    },

    async drew(items) {
      const clocks = await caller.onShards((redis, key) => redis.hget(key('docs'), '#'));
      return items.map(({ key, revision }) => {
        const clock = clocks[shardOf(key, caller.address.shards)];
        const hex = revisionHex(revision);
        const birth = birthOf(clock);
        return birth !== undefined && hex >= birth && hex <= clock!.slice(13, 26);
      });
    },

    async counts() {
      const shards = await caller.onShards(async (redis, key) => {
        const totals = await redis.hgetall(key('totals'));
        const [prepared, settling, cleaning, letters, intents] = await Promise.all([
          redis.zcard(key('prepared')),
          redis.zcard(key('settling')),
          redis.zcard(key('cleaning')),
          redis.hlen(key('dead')),
          redis.zcard(key('intents')),
        ]);
        return {
          open: Number(totals.o ?? 0),
          stored: Number(totals.s ?? 0),
          partial: Number(totals.p ?? 0),
          deleted: Number(totals.d ?? 0),
          prepared,
          settling,
          cleaning,
          deadLetters: letters,
          deadLetterBytes: Number(totals['dead:bytes'] ?? 0),
          writeIntents: intents,
        };
      });
      return shards.reduce((sum, shard) => {
        for (const name of Object.keys(sum) as (keyof LedgerCounts)[]) sum[name] += shard[name];
        return sum;
      });
    },

    async shares() {
      const tokens = new Map<string, number>();
      for (const fields of await caller.onShards((redis, key) => redis.hgetall(key('shares')))) {
        for (const [field, count] of Object.entries(fields)) {
          // `b:<class>:<tenant>`.
          if (!field.startsWith('b:')) continue;
          tokens.set(field.slice(4), (tokens.get(field.slice(4)) ?? 0) + Number(count));
        }
      }
      return [...tokens].map(([tenant, backlogTokens]) => ({ tenant, backlogTokens }));
    },

    async backlogTokens() {
      const shards = await caller.onShards((redis, key) => redis.hget(key('totals'), 'backlog'));
      return shards.reduce((sum, tokens) => sum + Number(tokens ?? 0), 0);
    },
  };
}

function unpackRecord(key: string, packed: string): DocumentRecord {
  const [source, seen] = packed.slice(48).split('.');
  return {
    key,
    state: stateNames[packed.charAt(0) as keyof typeof stateNames],
    revision: revisionFromHex(packed.slice(1, 14)),
    hash: packed.slice(14, 36),
    cut: packed.slice(36, 44),
    chunkCount: Number.parseInt(packed.slice(44, 48), 16),
    ...(source !== '' && { source: Number(source) }),
    ...(seen !== '' && { seenBy: Number.parseInt(seen!, 10) }),
  };
}

function toState(key: DocumentKey, answer: string[]): DocumentState {
  const [state, current, n, stored, dead, hash, cut, whole, wholeN, wholeHash, id, tenant, source, seen, run] = answer;
  const [prepared, settling, reserved] = answer.slice(15);
  const committed = state !== '-';
  return {
    key,
    state: committed ? stateNames[state as keyof typeof stateNames] : 'prepared',
    ...(committed && { currentRevision: revisionFromHex(current!) }),
    chunkCount: Number(n),
    stored: Number(stored),
    dead: Number(dead),
    ...(committed && state !== 'd' && { hash: hash!, cut: cut! }),
    ...(whole !== '' && {
      wholeRevision: revisionFromHex(whole!),
      wholeChunkCount: Number(wholeN),
      wholeHash: wholeHash!,
    }),
    preparedRevisions: revisions(prepared!),
    reservedRevisions: revisions(reserved!),
    ...(id !== '' && { id: id! }),
    ...(tenant !== '' && { tenant: tenant! }),
    ...(source !== '' && { source: Number(source) }),
    ...(seen !== '' && { seenBy: Number.parseInt(seen!, 10) }),
    ...(run !== '' && { run: runId(Number(run)) }),
    settling: settling === '1' && state !== 'p',
  };
}

function revisions(list: string): Revision[] {
  return list === '' ? [] : list.split(',').map(revisionFromHex);
}
