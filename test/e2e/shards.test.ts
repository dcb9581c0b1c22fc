/** A line that is split over several queues, as people see it. */
import { expect, onTestFinished, test } from 'vitest';
import { serve } from './serving.ts';
import { createSluice } from './sluice.ts';

test('the board has every shard of a line', async () => {
  const service = await serve(createSluice('test-shards', { SLUICE_SHARDS: '3' }));
  onTestFinished(() => service.stop());
  const answer = await fetch(`${service.url}/board/api/queues?page=1&jobsPerPage=10`);
  const { queues } = (await answer.json()) as { queues: { name: string }[] };
  expect(queues.map(({ name }) => name)).toEqual([
    'shard 0 chunks',
    'shard 1 chunks',
    'shard 2 chunks',
    'submissions',
    'dead-letters',
  ]);
  const one = await fetch(`${service.url}/board/api/queues?activeQueue=shard%202%20chunks&page=1&jobsPerPage=10`);
  expect(one.status).toBe(200);
});
