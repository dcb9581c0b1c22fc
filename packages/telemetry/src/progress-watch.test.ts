import type { Clock } from '@sluice/core';
import { expect, test } from 'vitest';
import { createProgressWatch } from './progress-watch.ts';

function watch() {
  let now = 0;
  const clock: Clock = { now: () => now, monotonicMs: () => now, sleep: async () => undefined };
  const created = createProgressWatch({ stallMs: 60_000, clock });
  return {
    ...created,
    /** A minute and a half, told every five seconds. */
    pass(state: { work: number; excused: boolean }, each: () => void = () => undefined) {
      for (let i = 0; i < 18; i += 1) {
        created.told(state);
        now += 5_000;
        each();
      }
    },
    silence(ms: number) {
      now += ms;
    },
  };
}

test('a backlog of which nothing is finished is noticed', () => {
  const { pass, stuck } = watch();
  pass({ work: 12, excused: false });
  expect(stuck()).toBe('12 chunks wait and none was finished for 90 s');
});

test('slow progress is progress, an empty queue is none to make, an outage or a pause is a reason', () => {
  const slow = watch();
  slow.pass({ work: 12, excused: false }, slow.finished);
  expect(slow.stuck()).toBeUndefined();
  const idle = watch();
  idle.pass({ work: 0, excused: false });
  expect(idle.stuck()).toBeUndefined();
  const waiting = watch();
  waiting.pass({ work: 12, excused: true });
  expect(waiting.stuck()).toBeUndefined();
});

test('who cannot be told anything is cut off from Redis, and that is an outage, not a stall', () => {
  const { pass, silence, stuck } = watch();
  pass({ work: 12, excused: false });
  silence(31_000);
  expect(stuck()).toBeUndefined();
});

test('the time begins anew after an outage', () => {
  const { pass, told, stuck } = watch();
  pass({ work: 12, excused: true });
  told({ work: 12, excused: false });
  expect(stuck()).toBeUndefined();
});
