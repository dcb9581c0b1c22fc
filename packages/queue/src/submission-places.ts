/**
 * The order of submissions, and what of them is on its way to the backlog. Tenants take turns here as chunks do (fair-order.ts),
 * so that who handed in thousands of documents does not keep everybody else's from being cut. A submission is **placed** when it
 * comes into the queue and **ended** when it is cut or rejected; in between its tokens are its tenant's, as an estimate.
 *
 * A process may die between placing and adding: what was placed a while ago and has no job is forgotten by `forgetLost`.
 */
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';
import { chunkPriorities } from './fair-order.ts';
import type { Share } from './reading.ts';
import type { Priority } from './submission.ts';

export interface Placing {
  jobId: string;
  /** As the job says them; what cannot be read counts as nothing and nobody's. */
  text?: unknown;
  tenant?: unknown;
  priority?: unknown;
}

export interface SubmissionPlaces {
  /** BullMQ priorities, lower first. Placing again changes nothing. */
  place(items: readonly Placing[]): Promise<number[]>;
  /** Whether something waits that goes before this priority. */
  goesLater(priority: number): Promise<boolean>;
  ended(jobId: string): Promise<void>;
  /** By tenant, '' for documents without one; and how many documents that is. */
  onTheirWay(): Promise<{ shares: Share[]; documents: number }>;
  /** What was placed more than a minute ago and has no job. */
  forgetLost(): Promise<void>;
  /** Forgets all of them; part of dropping a line. */
  drop(): Promise<void>;
}

/** Four bytes a token is near for every script that the tokenizer knows. */
const BYTES_PER_TOKEN = 4;
/** In the order of submissions a document counts as so many tokens at least: cutting a short one costs round trips, not tokens. */
const LEAST_WEIGHT = 1_024;
const LOST_AFTER_MS = 60_000;
const PRIORITY_SCORE = 2 ** 32;

/** An entry: `<class>|<tag>|<tokens>|<ms>|<tenant>`. Shares: `b:` tokens, `f:` end of the last place, `v:` how far the order has come. */
const placeScript = `
local time = redis.call('time')
local tags = {}
for i, item in ipairs(cjson.decode(ARGV[1])) do
  local known = redis.call('hget', KEYS[1], item.id)
  local tag = known and tonumber(string.match(known, '^.|(%d+)'))
  if not tag then
    local share = item.class .. ':' .. item.tenant
    local order, last_end = unpack(redis.call('hmget', KEYS[2], 'v:' .. item.class, 'f:' .. share))
    tag = math.max(tonumber(order or 0), tonumber(last_end or 0))
    redis.call('hset', KEYS[2], 'f:' .. share, string.format('%.0f', tag + item.weight))
    redis.call('hincrby', KEYS[2], 'b:' .. share, item.tokens)
    redis.call('hset', KEYS[1], item.id, string.format('%s|%.0f|%d|%s|%s', item.class, tag, item.tokens, time[1], item.tenant))
  end
  tags[i] = string.format('%.0f', tag)
end
return tags`;

/**
 * Whose last place is not beyond what the order has come to needs none; when nothing waits, the order begins anew. A full Redis takes
 * it: it deletes first.
 */
const endScript = `
local entry = redis.call('hget', KEYS[1], ARGV[1])
redis.call('hdel', KEYS[1], ARGV[1])
if not entry then return 0 end
local class, tag, tokens, _, tenant = string.match(entry, '^(.)|(%d+)|(%d+)|(%d+)|(.*)$')
local share = class .. ':' .. tenant
if redis.call('hincrby', KEYS[2], 'b:' .. share, -tokens) <= 0 then redis.call('hdel', KEYS[2], 'b:' .. share) end
if redis.call('hlen', KEYS[1]) == 0 and redis.call('zcard', KEYS[3]) == 0 then
  redis.call('del', KEYS[2])
  return 1
end
local order = tonumber(redis.call('hget', KEYS[2], 'v:' .. class) or 0)
if tonumber(tag) > order then
  order = tonumber(tag)
  redis.call('hset', KEYS[2], 'v:' .. class, tag)
end
if tonumber(redis.call('hget', KEYS[2], 'f:' .. share) or 0) <= order then redis.call('hdel', KEYS[2], 'f:' .. share) end
return 1`;

export function createSubmissionPlaces(
  redis: Redis,
  { prefix, queue }: { prefix: string; queue: string },
): SubmissionPlaces {
  const entries = `${prefix}:submitted`;
  const shares = `${prefix}:submitted:shares`;
  const prioritized = `${prefix}:${queue}:prioritized`;

  async function ended(jobId: string): Promise<void> {
    await guarded(() => redis.eval(endScript, 3, entries, shares, prioritized, jobId));
  }

  return {
    ended,
    drop: () => guarded(async () => void (await redis.unlink(entries, shares))),

    async place(items) {
      if (items.length === 0) return [];
      const asked = items.map(({ jobId, text, tenant, priority }) => {
        const tokens = estimatedTokens(typeof text === 'string' ? text : '');
        return {
          id: jobId,
          class: classOf(priority) === 'live' ? 'l' : 'b',
          tenant: typeof tenant === 'string' ? tenant : '',
          tokens,
          weight: Math.max(LEAST_WEIGHT, tokens),
        };
      });
      const tags = (await guarded(() =>
        redis.eval(placeScript, 2, entries, shares, JSON.stringify(asked)),
      )) as string[];
      return items.map(
        ({ priority }, i) => chunkPriorities({ tag: Number(tags[i]), priority: classOf(priority) }, [0])[0]!,
      );
    },

    async goesLater(priority) {
      const [, score] = await guarded(() => redis.zrange(prioritized, 0, '0', 'WITHSCORES'));
      return score !== undefined && Math.floor(Number(score) / PRIORITY_SCORE) < priority;
    },

    async onTheirWay() {
      const [fields, documents] = await guarded(() => Promise.all([redis.hgetall(shares), redis.hlen(entries)]));
      const tokens = new Map<string, number>();
      for (const [field, count] of Object.entries(fields)) {
        // `b:<class>:<tenant>`.
        if (!field.startsWith('b:')) continue;
        tokens.set(field.slice(4), (tokens.get(field.slice(4)) ?? 0) + Number(count));
      }
      return { shares: [...tokens].map(([tenant, backlogTokens]) => ({ tenant, backlogTokens })), documents };
    },

    async forgetLost() {
      const [seconds] = await guarded(() => redis.time());
      const before = Number(seconds) - LOST_AFTER_MS / 1_000;
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, flat] = await guarded(() => redis.hscan(entries, cursor, 'COUNT', 500));
        cursor = next;
        for (let i = 0; i < flat.length; i += 2) {
          if (Number(flat[i + 1]!.split('|')[3]) > before) continue;
          const exists = await guarded(() => redis.exists(`${prefix}:${queue}:${flat[i]}`));
          if (exists === 0) await ended(flat[i]!);
        }
      }
    },
  };
}

/** Of a text that is not cut yet. */
export function estimatedTokens(text: string): number {
  return Math.max(1, Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN));
}

function classOf(priority: unknown): Priority {
  return priority === 'bulk' ? 'bulk' : 'live';
}
