import { expect, test } from 'vitest';
import { whatIsFull } from './what-is-full.ts';

test('names what there is no more of, with the cores that each took', () => {
  const of = (cores: Record<string, number>, workers = 2) => whatIsFull(cores, { workers, machine: 4 });
  expect(of({ valkey: 0.4, milvus: 2.1, workers: 1.2 })).toBe(
    'the CPU is full, 3.70 of 4 cores, most of it by milvus (milvus 2.10, workers 1.20, valkey 0.40)',
  );
  expect(of({ valkey: 0.95, milvus: 0.5, workers: 1 })).toMatch(/^Redis is full/);
  expect(of({ valkey: 0.3, milvus: 0.5, workers: 1.9 })).toMatch(/^the workers' own threads are full/);
  expect(of({ valkey: 0.3, milvus: 0.5, workers: 1.9 }, 4)).toMatch(/^nothing is full, .* 2\.70 of 4 cores/);
});
