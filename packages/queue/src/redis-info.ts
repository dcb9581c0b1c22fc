/** The few numbers of INFO that Sluice decides by. INFO is allowed where CONFIG is not (managed servers). */
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';
import { primaries } from './open-connection.ts';

export interface RedisInfo {
  server: 'Redis' | 'Valkey';
  version: string;
  usedBytes: number;
  /** 0: no limit is set. */
  maxBytes: number;
  evictionPolicy: string;
  appendOnly: boolean;
}

/** Of a cluster: what the fullest of its servers would be if all were as full, because that one refuses first. */
export async function redisInfo(redis: Redis): Promise<RedisInfo> {
  const servers = await guarded(() => Promise.all(primaries(redis).map((server) => server.info())));
  const infos = servers.map(parseInfo);
  const fullest = infos.reduce((most, info) => (fullness(info) > fullness(most) ? info : most));
  return {
    ...fullest,
    usedBytes: fullest.usedBytes * infos.length,
    maxBytes: fullest.maxBytes * infos.length,
    appendOnly: infos.every(({ appendOnly }) => appendOnly),
  };
}

/** Used memory of its limit; where there is none, used memory alone. */
function fullness({ usedBytes, maxBytes }: RedisInfo): number {
  return maxBytes === 0 ? usedBytes : usedBytes / maxBytes;
}

function parseInfo(text: string): RedisInfo {
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
