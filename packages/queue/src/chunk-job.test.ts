import { expect, test } from 'vitest';
import { type ChunkJob, chunkIdOf, jobId, parseChunkJob } from './chunk-job.ts';

const job: ChunkJob = {
  v: 1,
  key: 'd0123456789abcdef0123',
  revision: '1795467747908880',
  ordinal: 2,
  chunkCount: 3,
  documentId: 'docs/a.md',
  text: 'secret text',
  context: 'Heading\n\n',
  start: 10,
  end: 21,
  heading: ['Heading'],
  tokens: { text: 3, special: 2, instruction: 8 },
  hash: 'h'.repeat(22),
  docHash: 'd'.repeat(22),
  metadata: { lang: 'en', nested: { list: [1, null] } },
  run: 'r7',
  generation: 0,
  epoch: 'e1',
};

test('a job goes through JSON unchanged', () => {
  expect(parseChunkJob(JSON.parse(JSON.stringify(job)), 'e1')).toEqual(job);
});

test('a job made by hand is refused by field, without its content', () => {
  for (const [change, field] of [
    [{ v: '1' }, 'job.v'],
    [{ ordinal: 16_000 }, 'job.ordinal'],
    [{ key: 'secret text' }, 'job.key'],
    [{ tokens: { text: 3, special: 2 } }, 'job.tokens.instruction'],
    [{ unknown: 'secret text' }, 'job'],
    [{ metadata: { bad: undefined } }, 'job.metadata.bad'],
  ] as const) {
    let failure: unknown;
    try {
      parseChunkJob({ ...job, ...change }, 'e1');
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: 'malformed_job', verdict: 'dead', where: field });
    expect((failure as Error).message).not.toContain('secret');
  }
  expect(() => parseChunkJob('nonsense', 'e1')).toThrow(/malformed|schema/);
});

test('a job that was made for another collection stops the line instead of being written', () => {
  expect(() => parseChunkJob(job, 'e2')).toThrow(expect.objectContaining({ code: 'epoch_changed', verdict: 'stop' }));
});

test('a job of a later version waits for a later worker instead of dying', () => {
  expect(() => parseChunkJob({ ...job, v: 2, other: true }, 'e1')).toThrow(
    expect.objectContaining({ code: 'newer_job', verdict: 'retry' }),
  );
});

test('a retry has another job id and the same row', () => {
  const again = { ...job, generation: 1 };
  expect(jobId(again)).not.toBe(jobId(job));
  expect(chunkIdOf(again)).toBe(chunkIdOf(job));
  // BullMQ refuses ids that are integers or have one colon.
  expect(jobId(job)).toMatch(/^d[0-9a-f]{38}-0$/);
});
