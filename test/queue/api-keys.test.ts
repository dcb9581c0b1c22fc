/** API keys and what they may use up, on a real Valkey. */
import { openAllowances, openApiKeys, type Redis } from '@sluice/queue';
import { beforeEach, expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';

const own = ownRedis();
let redis: Redis;
beforeEach(() => {
  redis = own.redis;
});

const wanted = { name: 'crawler', scopes: ['ingest' as const], lines: ['main'], tenant: 'acme', limits: {} };

test('a key is known by its secret alone, and Redis does not hold the secret', async () => {
  const keys = openApiKeys(redis);
  expect(await keys.configured()).toBe(false);
  const { key, token } = await keys.add(wanted);
  expect(await keys.verify(token)).toEqual(key);
  expect(key).toMatchObject(wanted);
  const last = token.at(-1) === 'A' ? 'B' : 'A';
  for (const wrong of [`${token.slice(0, -1)}${last}`, `${token}x`, token.slice(7), '', 'sluice_', 'é'.repeat(64)])
    expect(await keys.verify(wrong)).toBeUndefined();
  const saved = JSON.stringify(await redis.hgetall('{sluice}:keys'));
  expect(saved).not.toContain(token.slice(-43));
});

test('names are taken once; a revoked key is unknown at once here, and elsewhere after the look is stale', async () => {
  let time = 0;
  const keys = openApiKeys(redis);
  const elsewhere = openApiKeys(redis, { monotonicMs: () => time });
  const { token } = await keys.add(wanted);
  await expect(keys.add(wanted)).rejects.toMatchObject({ code: 'key_exists' });
  expect(await elsewhere.verify(token)).toBeDefined();
  await keys.revoke('crawler');
  expect(await keys.verify(token)).toBeUndefined();
  time = 2_001;
  expect(await elsewhere.verify(token)).toBeUndefined();
  await expect(keys.revoke('crawler')).rejects.toMatchObject({ code: 'unknown_key' });
});

test('an allowance is a minute’s worth; a large request passes once and is paid off by waiting', async () => {
  const allowances = openAllowances(redis);
  const limits = { requests: 3, tokens: 6_000_000 };
  expect(await allowances.spend('k', limits, { requests: 3 })).toBe(0);
  const wait = await allowances.spend('k', limits, { requests: 1 });
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(20_000);
  expect(await allowances.spend('another', limits, { requests: 1 })).toBe(0);
  expect(await allowances.spend('k', limits, { tokens: 60_000_000 })).toBe(0);
  const debt = await allowances.spend('k', limits, { tokens: 1 });
  expect(debt).toBeGreaterThan(400_000);
  expect(debt).toBeLessThanOrEqual(540_001);
  expect(await allowances.spend('k', {}, { tokens: 1, bytes: 1, requests: 1 })).toBe(0);
});
