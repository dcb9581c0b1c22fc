/** The few numbers of INFO that Sluice decides by. INFO is allowed where CONFIG is not (managed servers). */
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';

export interface RedisInfo {
  server: 'Redis' | 'Valkey';
  version: string;
  usedBytes: number;
  /** 0: no limit is set. */
  maxBytes: number;
  evictionPolicy: string;
  appendOnly: boolean;
}

export async function redisInfo(redis: Redis): Promise<RedisInfo> {
  const text = await guarded(() => redis.info());
  const fields = new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
  const valkey = fields.get('valkey_version');
  return {
    server: valkey === undefined ? 'Redis' : 'Valkey',
    version: valkey ?? fields.get('redis_version') ?? '0',
    usedBytes: Number(fields.get('used_memory') ?? 0),
    maxBytes: Number(fields.get('maxmemory') ?? 0),
    evictionPolicy: fields.get('maxmemory_policy') ?? 'unknown',
    appendOnly: fields.get('aof_enabled') === '1',
  };
}
