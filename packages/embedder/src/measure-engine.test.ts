import { type Clock, systemClock } from '@sluice/core';
import { expect, it } from 'vitest';
import { fitRate, measureEngine } from './measure-engine.ts';
import { createModelledEngine } from './modelled/modelled-engine.ts';
import { profiles } from './profiles.ts';

const words = (text: string) => text.split(' ').length;

it('finds the rate, the fixed part, the smallest fast size and what several at a time bring', async () => {
  let time = 0;
  const sleepers: { at: number; wake(): void }[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => time,
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ at: time + ms, wake });
        setImmediate(() => {
          sleepers.sort((a, b) => a.at - b.at);
          const next = sleepers.shift()!;
          time = Math.max(time, next.at);
          next.wake();
        });
      }),
  };
  const engine = createModelledEngine({
    profile: profiles.modelled!,
    fullDimension: 2,
    model: { tokensPerSecond: 40_000, requestMs: 8, maxPaddedTokens: 20_000 },
    devices: 2,
    count: words,
    clock,
  });
  const found = await measureEngine(engine, {
    count: words,
    lengths: [512, 2_048],
    sizes: [1_024, 4_096, 16_384, 32_768],
    repeats: 2,
    inFlight: [1, 2],
    clock,
  });
  expect(found.rate.tokensPerSecond).toBeCloseTo(40_000, -1);
  expect(found.rate.requestMs).toBeCloseTo(8, 1);
  expect(found.bestPaddedTokens).toBe(16_384);
  expect(found.cells.filter(({ refused }) => refused !== undefined)).toEqual([
    { tokens: 512, rows: 64, ms: [], tokensPerSecond: 0, refused: 'engine_too_large' },
    { tokens: 2_048, rows: 16, ms: [], tokensPerSecond: 0, refused: 'engine_too_large' },
  ]);
  const [one, two] = found.inFlight;
  expect(two!.tokensPerSecond / one!.tokensPerSecond).toBeCloseTo(2, 1);
});

it('makes no negative fixed part of noise', () => {
  const cell = (rows: number, ms: number) => ({ tokens: 100, rows, ms: [ms], tokensPerSecond: 0 });
  expect(fitRate([cell(1, 1), cell(10, 30)])).toEqual({ tokensPerSecond: (1_000 * 550) / 15.5, requestMs: 0 });
  expect(fitRate([cell(4, 10)])).toEqual({ tokensPerSecond: 40_000, requestMs: 0 });
});
