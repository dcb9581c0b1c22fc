/**
 * A connection to one server, or to a cluster where the URL says `?cluster=true`. Both take the same commands, and everything of a shard is
 * under one hash tag, so the rest of the package does not ask which it is; where servers count one by one it asks for `primaries`.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { connectionOptions } from './connection.ts';

type Options = ReturnType<typeof connectionOptions> & Pick<RedisOptions, 'commandTimeout' | 'maxRetriesPerRequest'>;

/** `retryStrategy` also says how soon a cluster of which no node answers is looked for again. */
export function openConnection(url: string, options: Options): Redis {
  const { hostname, port, username, password, protocol, searchParams } = new URL(url);
  if (searchParams.get('cluster') !== 'true') return new Redis(url, options);
  const { retryStrategy, ...each } = options;
  const cluster = new Cluster([{ host: hostname, port: Number(port || 6_379) }], {
    redisOptions: {
      ...each,
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
    clusterRetryStrategy: retryStrategy,
  });
  return cluster as unknown as Redis;
}

/** Every server that holds keys of its own. */
export function primaries(redis: Redis): Redis[] {
  const connection: unknown = redis;
  return connection instanceof Cluster ? connection.nodes('master') : [redis];
}
