/**
 * What API keys may use up a minute: a bucket for each thing that is limited, filled evenly, holding a minute's worth. What
 * costs more than that passes when the bucket is full, and leaves a debt, so that no request is too large to ever pass. Shared by all services on the Redis; one Lua call decides for all buckets of a key.
 */
import type { Redis } from 'ioredis';
import type { KeyLimits } from './api-keys.ts';
import { guarded } from './errors.ts';

export interface Spending {
  requests?: number;
  bytes?: number;
  /** Of a document's text, counted when it is accepted. */
  tokens?: number;
}

export interface Allowances {
  /** 0: spent. Otherwise nothing was spent, and in so many ms there is enough. */
  spend(keyId: string, limits: KeyLimits, spending: Spending): Promise<number>;
}

const PER_MS = 60_000;

/**
 * KEYS[1] the key's buckets. ARGV: name, limit a minute and cost of each bucket. A bucket is its level and the time (ms) of that
 * level; a full one is not kept.
 */
const SPEND = `
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local levels, wait, ttl = {}, 0, 1000
for i = 1, #ARGV, 3 do
  local limit, cost = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local level, at = string.match(redis.call('hget', KEYS[1], ARGV[i]) or '', '^(.*):(%d+)$')
  level = math.min(limit, (tonumber(level) or limit) + (now - (tonumber(at) or now)) * limit / ${PER_MS})
  local needed = math.min(cost, limit)
  if level < needed then wait = math.max(wait, math.ceil((needed - level) * ${PER_MS} / limit)) end
  levels[i] = level - cost
  ttl = math.max(ttl, (limit - levels[i]) * ${PER_MS} / limit)
end
if wait > 0 then return wait end
for i = 1, #ARGV, 3 do
  redis.call('hset', KEYS[1], ARGV[i], string.format('%.3f:%.0f', levels[i], now))
end
redis.call('pexpire', KEYS[1], math.ceil(ttl))
return 0
`;

export function openAllowances(redis: Redis): Allowances {
  return {
    async spend(keyId, limits, spending) {
      const buckets = (['requests', 'bytes', 'tokens'] as const).flatMap((name) => {
        const [limit, cost] = [limits[name], spending[name]];
        return limit === undefined || cost === undefined ? [] : [name, limit, cost];
      });
      if (buckets.length === 0) return 0;
      return guarded(async () => Number(await redis.eval(SPEND, 1, `{sluice}:allowance:${keyId}`, ...buckets)));
    },
  };
}
