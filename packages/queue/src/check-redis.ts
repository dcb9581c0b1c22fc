/** Start-up checks: a Redis that evicts or keeps no AOF would lose accepted work, so nothing starts on it without being told to. */
import { SluiceError } from '@sluice/core';
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';
import { primaries } from './open-connection.ts';
import { redisInfo } from './redis-info.ts';

export interface Finding {
  status: 'ok' | 'warn' | 'fail';
  name: string;
  message: string;
  fix?: string;
}

/** BullMQ warns below 6.2; it is what is tested against. */
const OLDEST = [6, 2];

/** Every finding, good ones too (for `doctor`). Throws `queue_unsafe` on a `fail`, unless `allowUnsafe`: then it is a warning. */
export async function checkRedis(redis: Redis, { allowUnsafe = false } = {}): Promise<Finding[]> {
  const findings = await redisFindings(redis);
  const fatal = findings.filter(({ status }) => status === 'fail');
  if (fatal.length > 0 && !allowUnsafe) {
    throw new SluiceError('queue_unsafe', {
      message: fatal.map(({ message }) => message).join('; '),
      fix: `${fatal.map(({ fix }) => fix).join('; ')}; or SLUICE_ALLOW_UNSAFE_REDIS=true if losing accepted work is acceptable.`,
    });
  }
  return findings.map((finding) => (finding.status === 'fail' ? { ...finding, status: 'warn' as const } : finding));
}

/** The same without throwing. */
export async function redisFindings(redis: Redis): Promise<Finding[]> {
  const info = await redisInfo(redis);
  const [major = 0, minor = 0] = info.version.split('.').map(Number);
  const old = info.server === 'Redis' && (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!));
  return [
    old
      ? {
          status: 'warn',
          name: 'version',
          message: `Redis ${info.version} is older than what Sluice is tested with`,
          fix: 'use Redis 6.2 or newer, or Valkey',
        }
      : { status: 'ok', name: 'version', message: `${info.server} ${info.version}` },
    info.evictionPolicy === 'noeviction'
      ? { status: 'ok', name: 'eviction', message: 'maxmemory-policy is noeviction' }
      : {
          status: 'fail',
          name: 'eviction',
          message: `maxmemory-policy is ${info.evictionPolicy}, so Redis throws accepted work away when it is full`,
          fix: 'set maxmemory-policy noeviction',
        },
    info.appendOnly
      ? { status: 'ok', name: 'persistence', message: 'AOF is on' }
      : {
          status: 'fail',
          name: 'persistence',
          message: 'AOF is off, so a restart of Redis loses accepted work',
          fix: 'set appendonly yes',
        },
    info.maxBytes > 0
      ? { status: 'ok', name: 'memory', message: `maxmemory is ${mebibytes(info.maxBytes)} MiB` }
      : {
          status: 'warn',
          name: 'memory',
          message: 'maxmemory is not set, so back-pressure cannot go by memory',
          fix: 'set maxmemory',
        },
  ];
}

/**
 * What an acknowledgement is worth if Redis is killed, for `doctor`: `everysec`, the default of Redis, is no reason to refuse it. Measured:
 * while an fsync is under way it answers before it has written, and a kill at that moment costs what it had just accepted.
 */
export async function durabilityFinding(redis: Redis): Promise<Finding> {
  const name = 'durability';
  const fix = 'set appendfsync always';
  const policies = await guarded(() =>
    Promise.all(
      primaries(redis).map((server) =>
        server.config('GET', 'appendfsync').then(
          (answer) => (answer as string[])[1],
          (error: Error) => {
            // A managed Redis, or a user without that right, does not say.
            if (/^(NOPERM|ERR unknown command)/.test(error.message)) return undefined;
            throw error;
          },
        ),
      ),
    ),
  );
  const policy = policies.find((each) => each !== 'always') ?? (policies.includes(undefined) ? undefined : 'always');
  if (policy === 'always') return { status: 'ok', name, message: 'appendfsync is always: what is accepted is on disk' };
  if (policy === undefined) {
    const message =
      'Redis does not say its appendfsync: unless it is always, a kill or a power cut can cost work just accepted';
    return { status: 'warn', name, message, fix };
  }
  const cost = policy === 'everysec' ? 'up to two seconds of' : 'much';
  const message = `appendfsync is ${policy}: a power cut, or a kill while the disk is busy, can cost ${cost} accepted work`;
  return { status: 'warn', name, message, fix };
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}
