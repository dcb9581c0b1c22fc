/** A consumer of submissions whose threads answer no more: it says so, to whoever asks whether it lives. */
import { createReleaser, SluiceError, silentLogger } from '@sluice/core';
import { type ChunkSubmissionsOptions, chunkSubmissions } from '@sluice/producer';
import { connectRedis, openSubmissionQueue } from '@sluice/queue';
import { expect, test, vi } from 'vitest';
import { sharedStack, testLine } from '../support/stack.ts';

test('documents in hand of which none ends are no sign of life', async () => {
  const { redisUrl } = sharedStack();
  const releaser = createReleaser();
  const redis = connectRedis(redisUrl, { role: 'producer', logger: silentLogger });
  releaser.push('Redis', () => redis.disconnect());
  const name = testLine();
  const submissions = openSubmissionQueue(redis, name);
  releaser.push('the queue', () => submissions.close());
  const { promise: cut, reject } = Promise.withResolvers<never>();
  let stuck: () => string | undefined = () => undefined;
  const line = {
    name,
    config: { SLUICE_REDIS_URL: redisUrl, SLUICE_MAX_DOCUMENT_BYTES: 1_000, SLUICE_STALL_SECONDS: 0.1 },
    ledger: { leave: async () => undefined },
    proveLedger: async () => undefined,
  } as unknown as ChunkSubmissionsOptions['line'];
  chunkSubmissions({
    line,
    pool: { cut: () => cut, close: async () => undefined } as unknown as ChunkSubmissionsOptions['pool'],
    cutId: 'cut00001',
    logger: silentLogger,
    health: {
      watch(asked) {
        stuck = asked;
      },
    },
    metrics: { count: () => undefined },
    releaser,
  });
  try {
    expect(stuck()).toBeUndefined();
    await submissions.enqueue([{ key: 'd0', revision: '1', submission: { id: 'a', text: 'A text.' } }]);
    const said = await vi.waitUntil(() => stuck(), { timeout: 60_000 });
    expect(said).toMatch(/^1 documents wait and none was finished/);
    reject(new SluiceError('empty_document', { message: 'enough' }));
    await vi.waitUntil(() => stuck() === undefined, { timeout: 60_000 });
  } finally {
    await submissions.drop();
    await releaser.release();
  }
});
