/**
 * Runs: one bulk ingest each, with inputs, counts and cursor. What the ledger's transitions decide (accepted, stored, superseded,
 * partial, deleted; chunks) is counted inside its Lua calls, exactly once, and cannot be added from here; producers and
 * workers add what only they know.
 */
import { SluiceError } from '@sluice/core';
import type { Redis } from 'ioredis';
import { allShards, type LineAddress, ledgerKey, shardTag } from './address.ts';
import { executed, guarded } from './errors.ts';
import { type RunRef, runId, runNumber } from './run-ref.ts';

export interface Run {
  /** `r` + number: what people type. */
  id: string;
  number: number;
}

export interface RunCounts {
  documents: {
    read: number;
    unchanged: number;
    skipped: number;
    /** Revisions of this run that were committed, those overtaken at their commit included. */
    accepted: number;
    stored: number;
    superseded: number;
    partial: number;
    deleted: number;
    rejected: number;
    /** Accepted or deleted, outcome still to come: 0 = the run is done. */
    unsettled: number;
  };
  chunks: {
    accepted: number;
    /** Every stored chunk; `reused` of them took their vector from an older revision. */
    stored: number;
    reused: number;
    dead: number;
  };
  tokens: {
    /** Of every chunk that was enqueued for accepted documents, as the producer counted them. */
    accepted: number;
    /** Of every stored chunk, embedded or reused. */
    stored: number;
    /** Sent to the engine; with padding. */
    useful: number;
    padded: number;
  };
  engineRequests: number;
}

/** What may be added from outside the ledger. */
export interface RunAddition {
  read?: number;
  unchanged?: number;
  acceptedTokens?: number;
}

export interface Rejection {
  /** Skipped items are no failure. */
  skipped: boolean;
  /** File, line of it, or document id. */
  where: string;
  code: string;
  message: string;
  fix: string;
}

export interface RunRecord extends Run, RunCounts {
  inputs: string[];
  sources: string[];
  /** Wall clock, ms. */
  startedAt: number;
  finishedAt?: number;
  cursor?: string;
  /** The command's summary, once it has finished. */
  summary?: { exitCode: number };
  rejectedByCode: Record<string, number>;
}

export interface Runs {
  start(run: { inputs: string[]; sources: string[] }): Promise<Run>;
  add(run: RunRef, addition: RunAddition): Promise<void>;
  /** Counts the items under their kind and code, and keeps the newest 10,000 of them for `runs show --rejected`. */
  reject(run: RunRef, items: Rejection | readonly Rejection[]): Promise<void>;
  rejected(run: RunRef): Promise<Rejection[]>;
  setCursor(run: RunRef, cursor: string): Promise<void>;
  cursor(run: RunRef): Promise<string | undefined>;
  counts(run: RunRef): Promise<RunCounts>;
  /** By number or id (`r7`). Throws `unknown_run`. */
  read(run: RunRef): Promise<RunRecord>;
  /** Newest first. */
  list(limit?: number): Promise<RunRecord[]>;
  finish(run: RunRef, summary: { exitCode: number }): Promise<void>;
}

const REJECTED_KEPT = 10_000;
const RUNS_KEPT = 100;

export function openRuns(redis: Redis, address: LineAddress, { now = Date.now } = {}): Runs {
  const tag = shardTag(address, 0);
  const index = ledgerKey(tag, 'runs');
  const record = (run: RunRef) => `${tag}:run:${runNumber(run)}`;
  const rejections = (run: RunRef) => `${tag}:run:${runNumber(run)}:rejected`;
  const countKeys = allShards(address).map((shard) => ledgerKey(shardTag(address, shard), 'counts'));

  /** Every count of a run, summed over the shards: field names as in the ledger's scripts. */
  async function fields(run: number): Promise<Map<string, number>> {
    const sum = new Map<string, number>();
    for (const key of countKeys) {
      // A scan may give a field twice while the hash grows; a map takes it once.
      const own = new Map<string, number>();
      for await (const flat of redis.hscanStream(key, { match: `${run}:*`, count: 500 }) as AsyncIterable<string[]>) {
        for (let i = 0; i < flat.length; i += 2) own.set(flat[i]!.slice(String(run).length + 1), Number(flat[i + 1]));
      }
      for (const [name, value] of own) sum.set(name, (sum.get(name) ?? 0) + value);
    }
    return sum;
  }

  async function forget(run: number): Promise<void> {
    const names = [...(await fields(run)).keys()].map((name) => `${run}:${name}`);
    if (names.length > 0) for (const key of countKeys) await redis.hdel(key, ...names);
    await redis.unlink(record(run), rejections(run));
    await redis.zrem(index, String(run));
  }

  async function readOne(run: number): Promise<RunRecord | undefined> {
    const saved = await redis.hgetall(record(run));
    if (saved.inputs === undefined) return undefined;
    const all = await fields(run);
    const byCode = [...all].filter(([name]) => name.startsWith('code.'));
    return {
      id: runId(run),
      number: run,
      inputs: JSON.parse(saved.inputs) as string[],
      sources: JSON.parse(saved.sources ?? '[]') as string[],
      startedAt: Number(saved.startedAt),
      ...(saved.finishedAt !== undefined && { finishedAt: Number(saved.finishedAt) }),
      ...(saved.summary !== undefined && { summary: JSON.parse(saved.summary) as { exitCode: number } }),
      ...(saved.cursor !== undefined && { cursor: saved.cursor }),
      ...toCounts(all),
      rejectedByCode: Object.fromEntries(byCode.map(([name, count]) => [name.slice('code.'.length), count])),
    };
  }

  const increment = (run: RunRef, changes: Record<string, number | undefined>) =>
    guarded(async () => {
      const number = runNumber(run);
      const pipeline = redis.pipeline();
      for (const [name, by] of Object.entries(changes)) {
        if (by !== undefined && by !== 0) pipeline.hincrby(countKeys[0]!, `${number}:${name}`, by);
      }
      await executed(pipeline);
    });

  return {
    start: ({ inputs, sources }) =>
      guarded(async () => {
        const number = await redis.hincrby(ledgerKey(tag, 'totals'), 'runs', 1);
        await redis.hset(record(number), {
          inputs: JSON.stringify(inputs),
          sources: JSON.stringify(sources),
          startedAt: now(),
        });
        await redis.zadd(index, String(number), String(number));
        for (const old of await redis.zrange(index, 0, String(-RUNS_KEPT - 1))) await forget(Number(old));
        return { id: runId(number), number };
      }),

    add: (run, { read, unchanged, acceptedTokens }) =>
      increment(run, { read, unchanged, 't.accepted': acceptedTokens }),

    async reject(run, given) {
      const items = [given].flat() as Rejection[];
      if (items.length === 0) return;
      const changes: Record<string, number> = {};
      for (const { skipped, code } of items) {
        for (const name of skipped ? ['skipped'] : ['rejected', `code.${code}`])
          changes[name] = (changes[name] ?? 0) + 1;
      }
      await guarded(async () => {
        await redis.rpush(rejections(run), ...items.map((item) => JSON.stringify(item)));
        await redis.ltrim(rejections(run), -REJECTED_KEPT, -1);
      });
      await increment(run, changes);
    },

    rejected: (run) =>
      guarded(async () => (await redis.lrange(rejections(run), 0, -1)).map((line) => JSON.parse(line) as Rejection)),

    async setCursor(run, cursor) {
      await guarded(() => redis.hset(record(run), 'cursor', cursor));
    },

    cursor: (run) => guarded(async () => (await redis.hget(record(run), 'cursor')) ?? undefined),

    counts: (run) => guarded(async () => toCounts(await fields(runNumber(run)))),

    async read(run) {
      const found = await guarded(() => readOne(runNumber(run)));
      if (found === undefined) throw new SluiceError('unknown_run', { message: `There is no run ${run}` });
      return found;
    },

    list: (limit = 20) =>
      guarded(async () => {
        const numbers = await redis.zrevrange(index, 0, limit - 1);
        const records = await Promise.all(numbers.map((number) => readOne(Number(number))));
        return records.filter((found) => found !== undefined);
      }),

    async finish(run, summary) {
      await guarded(() => redis.hset(record(run), { finishedAt: now(), summary: JSON.stringify(summary) }));
    },
  };
}

function toCounts(fields: Map<string, number>): RunCounts {
  const of = (name: string) => fields.get(name) ?? 0;
  return {
    documents: {
      read: of('read'),
      unchanged: of('unchanged'),
      skipped: of('skipped'),
      accepted: of('accepted'),
      stored: of('stored'),
      superseded: of('superseded'),
      partial: of('partial'),
      deleted: of('deleted'),
      rejected: of('rejected'),
      unsettled: of('unsettled'),
    },
    chunks: { accepted: of('c.accepted'), stored: of('c.stored'), reused: of('c.reused'), dead: of('c.dead') },
    tokens: { accepted: of('t.accepted'), stored: of('t.stored'), useful: of('t.useful'), padded: of('t.padded') },
    engineRequests: of('e.requests'),
  };
}

/** A pipeline reports failures per command instead of rejecting. */
