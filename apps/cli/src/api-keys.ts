/** The API keys of the Redis that the settings name; no line and no Milvus is needed. */
import { SluiceError } from '@sluice/core';
import { type ApiKeys, connectRedis, openApiKeys } from '@sluice/queue';
import type { Context } from './context.ts';

export function connectApiKeys({ config, logger, releaser }: Context): ApiKeys {
  const url = config.SLUICE_REDIS_URL;
  if (url === undefined) {
    throw new SluiceError('bad_configuration', {
      message: 'No Redis is configured: SLUICE_REDIS_URL is not set and no embedded stack is running',
      fix: 'Start the embedded stack with `npx sluice up`, or set SLUICE_REDIS_URL.',
    });
  }
  const redis = connectRedis(url, { role: 'reader', logger });
  releaser.push('the connection to Redis', () => redis.quit().catch(() => redis.disconnect()));
  return openApiKeys(redis);
}
