/** A few hundred random schedules of the whole protocol against the model; `node test/ledger/run-model.ts` plays as many as wanted. */
import { silentLogger } from '@sluice/core';
import { connectRedis } from '@sluice/queue';
import { expect, test } from 'vitest';
import { startValkey } from '../support/valkey.ts';
import { checkSchedules } from './model.ts';

test('whatever crashes between any two steps: nothing lost, doubled, stale or unreadable, and the counts add up', {
  timeout: 120_000,
}, async () => {
  const valkey = await startValkey();
  const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  try {
    await expect(checkSchedules(redis, valkey.url, { schedules: 300 })).resolves.toBeUndefined();
  } finally {
    redis.disconnect();
    await valkey.stop();
  }
});
