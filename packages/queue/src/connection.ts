/**
 * Connections. Every command has a deadline, because a frozen Redis answers nothing and ioredis would wait for ever. A BullMQ
 * Worker is the exception: it blocks on purpose and brings its own connection (`workerOptions`).
 */
import { createErrorCollapser, type Logger } from '@sluice/core';
import type { Redis } from 'ioredis';
import { toQueueError } from './errors.ts';
import { openConnection } from './open-connection.ts';

export type RedisRole = 'producer' | 'worker' | 'reader';

const COMMAND_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * `producer` hands work in, `worker` is a worker's ledger connection, `reader` only looks (status, doctor) and gives up sooner.
 * Commands reject with an error that `toQueueError` understands: within 10 s (5 s for a reader), whatever Redis does.
 */
export function connectRedis(url: string, { role, logger }: { role: RedisRole; logger: Logger }): Redis {
  const redis = openConnection(url, {
    ...connectionOptions(role),
    commandTimeout: role === 'reader' ? COMMAND_TIMEOUT_MS / 2 : COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: role === 'reader' ? 2 : 5,
  });
  const report = createErrorCollapser(logger);
  redis.on('error', (error) => report(toQueueError(error, describeRedis(url)), 'Redis connection failed'));
  return redis;
}

/** What every connection shares: a name to be seen by, reconnecting 0.1–2 s apart, and again after a failover. */
export function connectionOptions(role: RedisRole) {
  return {
    connectionName: `sluice-${role}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 5), 2_000),
    // An old primary answers READONLY after a failover, and UNBLOCKED to blocked commands: connect anew, then send again.
    reconnectOnError: (error: Error): false | 2 => (/^(READONLY|UNBLOCKED)\b/.test(error.message) ? 2 : false),
  };
}

/** Host and port of a Redis URL, without name and password. */
export function describeRedis(url: string): string {
  const { host } = new URL(url);
  return `redis ${host}`;
}
