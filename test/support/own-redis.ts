/** A Valkey of a test file's own and a connection to it: started before its first test, empty before each, gone after its last. */
import { silentLogger } from '@sluice/core';
import { connectRedis, type Redis } from '@sluice/queue';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startValkey, type TestValkey } from './valkey.ts';

/** Called at the head of a file, before its own hooks; what it returns may be read from within hooks and tests. */
export function ownRedis(): { readonly valkey: TestValkey; readonly redis: Redis } {
  let valkey: TestValkey;
  let redis: Redis;
  beforeAll(async () => {
    valkey = await startValkey();
    redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  });
  afterAll(async () => {
    redis.disconnect();
    await valkey.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
  });
  return {
    get valkey() {
      return valkey;
    },
    get redis() {
      return redis;
    },
  };
}
