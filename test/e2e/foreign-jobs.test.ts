/** Jobs that this worker cannot know: of a later version, and of no version at all. Neither costs the others anything. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openBoardQueues } from '@sluice/queue';
import { expect, test } from 'vitest';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

test('a job of a later version is left for later workers, a malformed one fails alone, the others are stored', async () => {
  const sluice = createSluice('test-foreign-jobs');
  const worker = await sluice.worker();
  const line = await readLine('test-foreign-jobs');
  const opened = openBoardQueues(sluice.env.SLUICE_REDIS_URL!, {
    line: line.info.line,
    epoch: line.info.epoch,
    shards: line.info.shards,
  });
  const queue = opened.queues[0]!;
  try {
    await queue.add('chunk', { v: 2, surprise: true }, { jobId: 'from-the-future' });
    await queue.add('chunk', { nonsense: true }, { jobId: 'by-hand' });
    const summary = await sluice.ingest(['-'], '{"id":"a","text":"A document among strangers."}');
    expect(summary).toMatchObject({ exitCode: 0, documents: { stored: 1 } });
    while ((await queue.getDelayedCount()) + (await queue.getFailedCount()) < 2) await delay(50);
    expect((await queue.getDelayed()).map((job) => job.id)).toEqual(['from-the-future']);
    expect((await queue.getFailed()).map((job) => [job.id, job.failedReason])).toEqual([
      ['by-hand', expect.stringMatching(/^malformed_job/)],
    ]);
  } finally {
    await opened.close();
    await line.close();
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
});
