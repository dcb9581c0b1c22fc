/** `node test/ledger/run-model.ts [--schedules 100000] [--seed N]`: plays random schedules against the model; prints seed and rate. */
import { parseArgs } from 'node:util';
import { silentLogger } from '@sluice/core';
import { connectRedis } from '@sluice/queue';
import { startValkey } from '../support/valkey.ts';
import { checkSchedules } from './model.ts';

const { values } = parseArgs({
  options: { schedules: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const schedules = Number(values.schedules);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const valkey = await startValkey();
const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
const startedAt = performance.now();
process.stdout.write(`${schedules} schedules, seed ${seed}\n`);
try {
  await checkSchedules(redis, valkey.url, { schedules, seed });
  const seconds = (performance.now() - startedAt) / 1_000;
  process.stdout.write(`all hold, ${seconds.toFixed(1)} s, ${(schedules / seconds).toFixed(0)} a second\n`);
} catch (error) {
  const { message, cause } = error as Error;
  process.stdout.write(`${message}\n${(cause as Error | undefined)?.stack ?? ''}\n`);
  process.exitCode = 1;
} finally {
  redis.disconnect();
  await valkey.stop();
}
