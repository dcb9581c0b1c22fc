/** Redis in trouble, as its clients see it. */
import { silentLogger } from '@sluice/core';
import { checkRedis, connectRedis, durabilityFinding, openLedger, redisFindings } from '@sluice/queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startValkey, type TestValkey } from '../support/valkey.ts';

const address = { line: 'main', epoch: 'e1', shards: 1 };
let valkey: TestValkey;

beforeAll(async () => {
  valkey = await startValkey();
});
afterAll(async () => {
  await valkey.stop();
});

test('a server that suits has only good findings', async () => {
  const redis = connectRedis(valkey.url, { role: 'reader', logger: silentLogger });
  expect((await checkRedis(redis)).map(({ status, name }) => [status, name])).toEqual([
    ['ok', 'version'],
    ['ok', 'eviction'],
    ['ok', 'persistence'],
    ['ok', 'memory'],
  ]);
  redis.disconnect();
});

test('a server that would lose accepted work is refused with both fixes, unless it is allowed', async () => {
  const unsafe = await startValkey(['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no', '--maxmemory', '0']);
  const redis = connectRedis(unsafe.url, { role: 'reader', logger: silentLogger });
  try {
    const refusal = await checkRedis(redis).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'queue_unsafe', verdict: 'stop' });
    expect((refusal as Error).message).toMatch(/allkeys-lru.*AOF is off.*noeviction.*appendonly yes/s);
    const allowed = await checkRedis(redis, { allowUnsafe: true });
    expect(allowed.filter(({ status }) => status === 'warn').map(({ name }) => name)).toEqual([
      'eviction',
      'persistence',
      'memory',
    ]);
    expect((await redisFindings(redis)).filter(({ status }) => status === 'fail')).toHaveLength(2);
  } finally {
    redis.disconnect();
    await unsafe.stop();
  }
});

test('a server that may lose what it has just acknowledged is told of, and the one that syncs first is not', async () => {
  const redis = connectRedis(valkey.url, { role: 'reader', logger: silentLogger });
  try {
    expect(await durabilityFinding(redis)).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/everysec.*two seconds/),
    });
    await redis.config('SET', 'appendfsync', 'always');
    expect(await durabilityFinding(redis)).toMatchObject({ status: 'ok' });
    await redis.acl('SETUSER', 'looks', 'on', '>key', '~*', '+@all', '-config');
    const looks = connectRedis(valkey.url.replace('//', '//looks:key@'), { role: 'reader', logger: silentLogger });
    expect(await durabilityFinding(looks)).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('does not say'),
    });
    looks.disconnect();
  } finally {
    await redis.config('SET', 'appendfsync', 'everysec');
    redis.disconnect();
  }
});

test('nobody listening: an outage that names the server, not a hang', async () => {
  const redis = connectRedis(`redis://127.0.0.1:${await freePort()}`, { role: 'reader', logger: silentLogger });
  await expect(openLedger(redis, address).counts()).rejects.toMatchObject({
    code: 'queue_unreachable',
    verdict: 'retry',
  });
  redis.disconnect();
});

test('a frozen server: the command gives up instead of waiting for ever', async () => {
  const redis = connectRedis(valkey.url, { role: 'reader', logger: silentLogger });
  const ledger = openLedger(redis, address);
  await ledger.counts();
  valkey.freeze();
  try {
    await expect(ledger.counts()).rejects.toMatchObject({ code: 'queue_unreachable', verdict: 'retry' });
  } finally {
    valkey.thaw();
  }
  expect(await ledger.counts()).toMatchObject({ stored: 0 });
  redis.disconnect();
});

test('a wrong password stops, it does not look like an outage', async () => {
  const closed = await startValkey(['--requirepass', 'right']);
  const redis = connectRedis(closed.url.replace('//', '//:wrong@'), { role: 'reader', logger: silentLogger });
  try {
    await expect(checkRedis(redis)).rejects.toMatchObject({ code: 'queue_refused_key', verdict: 'stop' });
  } finally {
    redis.disconnect();
    await closed.stop();
  }
});

test('a server that was killed and came back on the same data goes on without anybody doing anything', async () => {
  const own = await startValkey(['--appendfsync', 'always']);
  const redis = connectRedis(own.url, { role: 'producer', logger: silentLogger });
  const ledger = openLedger(redis, address);
  try {
    const key = `d${'1'.repeat(20)}`;
    await ledger.reserve([{ key, id: 'd', submission: 's' }]);
    await own.kill();
    await own.restart();
    expect((await ledger.reserve([{ key, id: 'd', submission: 's' }]))[0]).toMatchObject({ again: true });
  } finally {
    redis.disconnect();
    await own.stop();
  }
});
