import { type Clock, systemClock } from '@sluice/core';
import { expect, it } from 'vitest';
import { profiles } from '../profiles.ts';
import { createDevice, RTX_3090 } from './device.ts';
import { createModelledEngine } from './modelled-engine.ts';

/** Sleeping moves the time of this clock; whoever sleeps shortest wakes first. */
function virtualClock(): Clock & { time: number } {
  const sleepers: { at: number; wake: () => void }[] = [];
  const clock = {
    ...systemClock,
    time: 0,
    monotonicMs: () => clock.time,
    sleep: (ms: number) =>
      new Promise<void>((resolve) => {
        sleepers.push({ at: clock.time + ms, wake: resolve });
        queueMicrotask(() => {
          sleepers.sort((a, b) => a.at - b.at);
          const next = sleepers.shift()!;
          clock.time = Math.max(clock.time, next.at);
          next.wake();
        });
      }),
  };
  return clock;
}

const engineWith = (devices: number) => {
  const clock = virtualClock();
  const engine = createModelledEngine({
    profile: profiles.modelled!,
    fullDimension: 8,
    model: RTX_3090,
    devices,
    count: (text) => text.length,
    clock,
  });
  const embed = (tokens: number[]) => engine.embed({ texts: tokens.map(String), tokens, role: 'passage' });
  return { clock, engine, embed };
};

it('is serial: each request takes its padded tokens and the fixed part, after those before it', async () => {
  const { clock, engine, embed } = engineWith(1);
  await Promise.all([embed([4_000, 2_000]), embed([4_000])]);
  expect(clock.time).toBeCloseTo(8_000 / 40 + 8 + 4_000 / 40 + 8);
  const [seen] = engine.statistics();
  expect(seen).toMatchObject({ requests: 2, usefulTokens: 10_000, paddedTokens: 12_000, firstStartMs: 0 });
  expect(seen!.busyMs).toBeCloseTo(seen!.lastEndMs);
});

it('two devices behind one address share the work', async () => {
  const { clock, embed } = engineWith(2);
  await Promise.all([embed([4_000]), embed([4_000]), embed([4_000]), embed([4_000])]);
  expect(clock.time).toBeCloseTo(2 * (4_000 / 40 + 8));
});

it('is out of memory above its limit, and goes on', async () => {
  const { engine, embed } = engineWith(1);
  await expect(embed(new Array(17).fill(4_096))).rejects.toMatchObject({ code: 'engine_too_large' });
  await embed(new Array(16).fill(4_096));
  expect(engine.statistics()[0]).toMatchObject({ refused: 1, requests: 1 });
});

it('counts texts that came without their tokens, and answers the vectors of the null engine', async () => {
  const { engine } = engineWith(1);
  const { vectors, usageTokens } = await engine.embed({ texts: ['abc', 'a'], tokens: [0, 0], role: 'passage' });
  expect([vectors.length, usageTokens]).toEqual([2, 4]);
});

it('a device faster than the clock it is watched by has ended at once', async () => {
  const slept: number[] = [];
  let time = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => time++,
    sleep: async (ms) => void slept.push(ms),
  };
  await createDevice({ ...RTX_3090, requestMs: 0 }, clock).run([1]);
  expect(slept).toEqual([0]);
});
