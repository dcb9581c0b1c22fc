import { systemClock } from '@sluice/core';
import { expect, test } from 'vitest';
import { createPatience } from './patience.ts';

const HOUR_MS = 3_600_000;

test('sleepers go on when they are woken, and those who come later sleep', async () => {
  const { clock, wake } = createPatience(systemClock);
  const signal = new AbortController();
  const sleeping = [clock.sleep(HOUR_MS), clock.sleep(HOUR_MS, signal.signal)];
  wake();
  await Promise.all(sleeping);
  let slept = false;
  const later = clock.sleep(HOUR_MS, signal.signal).then(() => {
    slept = true;
  });
  await new Promise(setImmediate);
  expect(slept).toBe(false);
  signal.abort();
  await later;
});
