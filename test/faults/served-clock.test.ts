import { expect, test } from 'vitest';
import { createServedClock } from './served-clock.ts';

test('the clock stands still as long as anything is away, however absences overlap', () => {
  let now = 0;
  const at = (ms: number) => {
    now = ms;
  };
  const clock = createServedClock(() => now);
  at(10);
  const milvusBack = clock.away();
  at(20);
  const redisBack = clock.away();
  at(30);
  milvusBack();
  at(50);
  redisBack();
  at(70);
  clock.away();
  expect(clock.servedMs(0, 60)).toBe(20);
  expect(clock.servedMs(15, 40)).toBe(0);
  expect(clock.servedMs(25, 60)).toBe(10);
  expect(clock.servedMs(0, 1_000)).toBe(30);
  expect(clock.servedMs(52, 60)).toBe(8);
});
