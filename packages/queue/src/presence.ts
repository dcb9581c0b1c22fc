/** Who serves the line, what it waits for, whether it is held, and how fast it goes: what `status` and a waiting ingest ask. */
import { ledgerKey, shardTag } from './address.ts';
import type { Caller } from './caller.ts';
import { executed, guarded } from './errors.ts';
import { type RunRef, runNumber } from './run-ref.ts';

/** What a worker says of itself with every heartbeat. */
export interface WorkerBeat {
  host: string;
  pid: number;
  /** Chunks in its hands. */
  held: number;
  /** What it waits for, if it waits. */
  outage?: string;
  load?: WorkerLoad;
}

/** What a worker has done since it started; two beats tell how it goes. */
export interface WorkerLoad {
  engine: { requests: number; texts: number; tokens: number; paddedTokens: number; ms: number };
  /** Padded tokens that one engine request may have. */
  maxPaddedTokens: number;
  milvus: { requests: number; rows: number; ms: number };
  /** Tokens embedded by tenant; '' where there is none. A bounded number of names, the rest under `…`. */
  tenants: Record<string, number>;
}

export interface LiveWorker extends WorkerBeat {
  id: string;
  beatAgoMs: number;
}

export interface Statistics {
  backlogTokens: number;
  /** Stored in the last minute or so. */
  tokensPerSecond: number;
  chunksPerSecond: number;
  /** Since the line was made. */
  engineRequests: number;
  usefulTokens: number;
  paddedTokens: number;
}

export interface EngineRequest {
  /** Useful tokens of each row, and the run it belongs to. */
  rows: readonly { run?: RunRef | undefined; tokens: number }[];
  paddedTokens: number;
}

export interface Presence {
  /** Every few seconds; a worker that is silent for 30 s does not count as live, after 60 s its write intents are swept. */
  workerBeat(worker: string, beat: WorkerBeat): Promise<void>;
  workerGone(worker: string): Promise<void>;
  liveWorkers(): Promise<LiveWorker[]>;
  /** What the line's workers wait for; undefined when at least one of them works, or there is none. */
  outage(): Promise<string | undefined>;
  /** Holds every worker of the line between batches, until `resume`. Survives restarts. */
  pause(reason: string): Promise<void>;
  resume(): Promise<void>;
  /** Why the line is held, or undefined. */
  paused(): Promise<string | undefined>;
  /** Engine requests. Padding is shared out by useful tokens; a request that served two runs counts for both. */
  countRequests(requests: readonly EngineRequest[]): Promise<void>;
  statistics(): Promise<Statistics>;
}

const ALIVE_MS = 30_000;
/** The ring of `rates`: sixteen slots of ten seconds (see mark.lua). */
const SLOT_MS = 10_000;
const RATE_WINDOW_MS = 60_000;

export function createPresence(caller: Caller): Presence {
  async function liveWorkers(): Promise<LiveWorker[]> {
    const now = await caller.nowMs();
    const [beats = {}] = await caller.onShards((redis, key) => redis.hgetall(key('workers')));
    const live: LiveWorker[] = [];
    for (const [id, value] of Object.entries(beats)) {
      const beatAgoMs = now - Number.parseInt(value, 10);
      if (beatAgoMs > ALIVE_MS) continue;
      live.push({ id, beatAgoMs, ...(JSON.parse(value.slice(value.indexOf(':') + 1)) as WorkerBeat) });
    }
    return live;
  }

  async function workerGone(worker: string): Promise<void> {
    await caller.onShards((redis, key) => redis.hdel(key('workers'), worker));
  }

  return {
    liveWorkers,
    workerGone,

    async workerBeat(worker, beat) {
      const now = await caller.nowMs();
      await caller.onShards((redis, key) => redis.hset(key('workers'), worker, `${now}:${JSON.stringify(beat)}`));
    },

    async outage() {
      const live = await liveWorkers();
      return live.every(({ outage }) => outage !== undefined) ? live[0]?.outage : undefined;
    },

    async pause(reason) {
      await caller.onShards((redis, key) => redis.hset(key('totals'), 'paused', reason || 'paused'));
    },

    async resume() {
      await caller.onShards((redis, key) => redis.hdel(key('totals'), 'paused'));
    },

    async paused() {
      const reasons = await caller.onShards((redis, key) => redis.hget(key('totals'), 'paused'));
      return reasons.find((reason) => reason !== null) ?? undefined;
    },

    async countRequests(requests) {
      const sums = new Map<string, number>();
      const add = (field: string, by: number) => sums.set(field, (sums.get(field) ?? 0) + by);
      let usefulTokens = 0;
      let padded = 0;
      for (const { rows, paddedTokens } of requests) {
        const useful = rows.reduce((sum, row) => sum + row.tokens, 0);
        usefulTokens += useful;
        padded += paddedTokens;
        const runs = new Set<number>();
        for (const { run, tokens } of rows) {
          if (run === undefined) continue;
          const number = runNumber(run);
          runs.add(number);
          add(`${number}:t.useful`, tokens);
          add(`${number}:t.padded`, useful === 0 ? 0 : (paddedTokens * tokens) / useful);
        }
        for (const number of runs) add(`${number}:e.requests`, 1);
      }
      // Line and runs are counted in shard 0, whichever shards the rows are from.
      const tag = shardTag(caller.address, 0);
      await guarded(() => {
        const pipeline = caller.redis.pipeline();
        const totals = ledgerKey(tag, 'totals');
        pipeline.hincrby(totals, 'requests', requests.length);
        pipeline.hincrby(totals, 'useful', usefulTokens);
        pipeline.hincrby(totals, 'padded', padded);
        for (const [field, by] of sums) pipeline.hincrby(ledgerKey(tag, 'counts'), field, Math.round(by));
        return executed(pipeline);
      });
    },

    async statistics() {
      const now = await caller.nowMs();
      const sum = { backlogTokens: 0, engineRequests: 0, usefulTokens: 0, paddedTokens: 0 };
      let chunks = 0;
      let tokens = 0;
      let since = now;
      await caller.onShards(async (redis, key) => {
        const totals = await redis.hmget(key('totals'), 'backlog', 'requests', 'useful', 'padded');
        const [backlog, requests, useful, padded] = totals.map((value) => Number(value ?? 0));
        sum.backlogTokens += backlog!;
        sum.engineRequests += requests!;
        sum.usefulTokens += useful!;
        sum.paddedTokens += padded!;
        for (const slot of await redis.hvals(key('rates'))) {
          const [at = 0, c = 0, t = 0] = slot.split(':').map(Number);
          if (at * SLOT_MS <= now - RATE_WINDOW_MS) continue;
          since = Math.min(since, at * SLOT_MS);
          chunks += c;
          tokens += t;
        }
      });
      const seconds = Math.max(1, (now - since) / 1_000);
      return { ...sum, tokensPerSecond: tokens / seconds, chunksPerSecond: chunks / seconds };
    },
  };
}
