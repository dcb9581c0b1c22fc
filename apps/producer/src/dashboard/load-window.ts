/**
 * How the line goes just now, out of what its workers say with every heartbeat: each tells what it has done since it started, so
 * the difference of two of its beats is what it did between them.
 */
import type { LiveWorker, WorkerLoad } from '@sluice/queue';

export interface Flow {
  engine?: {
    tokensPerSecond: number;
    requestsPerSecond: number;
    textsPerRequest: number;
    /** Padded tokens of a request as a share of what it may have, 0 to 1. */
    fill: number;
    /** Share of padded tokens that is padding, 0 to 1. */
    padding: number;
    msPerRequest: number;
  };
  milvus?: { rowsPerSecond: number; msPerRequest: number };
  /** Largest share first. */
  tenants: { tenant: string; tokens: number; share: number }[];
}

interface Beat {
  at: number;
  load: WorkerLoad;
}

export interface LoadWindow {
  add(workers: readonly LiveWorker[], at: number): void;
  /** What was done in the last `ms`. */
  flow(ms: number): Flow;
}

/** Longest time that is looked back. */
const KEPT_MS = 60_000;

export function createLoadWindow(): LoadWindow {
  const beats = new Map<string, Beat[]>();
  let latest = 0;

  return {
    add(workers, at) {
      latest = at;
      for (const { id, load, beatAgoMs } of workers) {
        if (load === undefined) continue;
        const beat = { at: at - beatAgoMs, load };
        const known = beats.get(id) ?? [];
        if ((known.at(-1)?.at ?? Number.NEGATIVE_INFINITY) + 500 < beat.at) known.push(beat);
        while (known[1] !== undefined && known[1].at < at - KEPT_MS) known.shift();
        beats.set(id, known);
      }
      const live = new Set(workers.map(({ id }) => id));
      for (const id of beats.keys()) if (!live.has(id)) beats.delete(id);
    },

    flow(ms) {
      const sum = zero();
      const tenants = new Map<string, number>();
      let seconds = 0;
      let budget = 0;
      for (const known of beats.values()) {
        const to = known.at(-1);
        const from = known.findLast(({ at }) => at <= latest - ms) ?? known[0];
        if (to === undefined || from === undefined || to === from) continue;
        seconds = Math.max(seconds, (to.at - from.at) / 1_000);
        for (const name of ['requests', 'texts', 'tokens', 'paddedTokens', 'ms'] as const)
          sum.engine[name] += to.load.engine[name] - from.load.engine[name];
        for (const name of ['requests', 'rows', 'ms'] as const)
          sum.milvus[name] += to.load.milvus[name] - from.load.milvus[name];
        budget += (to.load.engine.requests - from.load.engine.requests) * to.load.maxPaddedTokens;
        for (const [tenant, tokens] of Object.entries(to.load.tenants)) {
          const before = Object.hasOwn(from.load.tenants, tenant) ? from.load.tenants[tenant]! : 0;
          const more = tokens - before;
          if (more > 0) tenants.set(tenant, (tenants.get(tenant) ?? 0) + more);
        }
      }
      return toFlow(sum, { seconds, budget, tenants });
    },
  };
}

const zero = () => ({
  engine: { requests: 0, texts: 0, tokens: 0, paddedTokens: 0, ms: 0 },
  milvus: { requests: 0, rows: 0, ms: 0 },
});

function toFlow(
  { engine, milvus }: ReturnType<typeof zero>,
  { seconds, budget, tenants }: { seconds: number; budget: number; tenants: Map<string, number> },
): Flow {
  const all = [...tenants.values()].reduce((sum, tokens) => sum + tokens, 0);
  return {
    ...(engine.requests > 0 && {
      engine: {
        tokensPerSecond: engine.tokens / seconds,
        requestsPerSecond: engine.requests / seconds,
        textsPerRequest: engine.texts / engine.requests,
        fill: engine.paddedTokens / budget,
        padding: 1 - engine.tokens / engine.paddedTokens,
        msPerRequest: engine.ms / engine.requests,
      },
    }),
    ...(milvus.requests > 0 && {
      milvus: { rowsPerSecond: milvus.rows / seconds, msPerRequest: milvus.ms / milvus.requests },
    }),
    tenants: [...tenants]
      .map(([tenant, tokens]) => ({ tenant, tokens, share: tokens / all }))
      .sort((a, b) => b.tokens - a.tokens),
  };
}
