import { type Clock, SluiceError, systemClock } from '@sluice/core';
import { expect, test } from 'vitest';
import { pay } from './pay.ts';

const caller = { keyId: 'k', name: 'crawler', limits: { bytes: 1_000, requests: undefined, tokens: undefined } };
const away = new SluiceError('queue_unreachable', { message: 'away' });

/** Pays where the looks at the allowance answer these, the last for ever; how long it slept. */
async function paying(looks: (number | SluiceError)[], { stopAfter = Number.POSITIVE_INFINITY } = {}) {
  const stopping = new AbortController();
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    async sleep(ms) {
      slept.push(ms);
      if (slept.length === stopAfter) stopping.abort(new Error('gone'));
    },
  };
  const allowances = {
    async spend() {
      const look = looks.length > 1 ? looks.shift()! : looks[0]!;
      if (typeof look !== 'number') throw look;
      return look;
    },
  };
  const failure = await pay({ bytes: 1 }, { caller, allowances, signal: stopping.signal, clock }).catch((e) => e);
  return { slept, failure };
}

test('an allowance is waited for, and an outage while it is asked for', async () => {
  expect(await paying([2_000, away, 100, 0])).toEqual({ slept: [2_000, 500, 100], failure: undefined });
});

test('what would take more than five minutes in all is refused with the time that it takes', async () => {
  const { slept, failure } = await paying([200_000, 200_000]);
  expect(slept).toEqual([200_000]);
  expect(failure).toMatchObject({ code: 'rate_limited', retryAfterMs: 200_000 });
  expect((await paying([away])).failure).toBe(away);
});

test('whoever is gone waits no more', async () => {
  expect((await paying([100], { stopAfter: 2 })).failure.message).toBe('gone');
});
