import { type Clock, systemClock } from '@sluice/core';
import { expect, it } from 'vitest';
import { fitRate, measureEngine } from './measure-engine.ts';
import { createModelledEngine } from './modelled/modelled-engine.ts';
import { profiles } from './profiles.ts';

const words = (text: string) => text.split(' ').length;

/** Sleeping moves its time. */
function virtualClock(): Clock {
  let time = 0;
  const sleepers: { at: number; wake(): void }[] = [];
  return {
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
}

function engineOf(clock: Clock, { maxPaddedTokens = 20_000, devices = 1 }) {
  return createModelledEngine({
    profile: profiles.modelled!,
    fullDimension: 2,
    model: { tokensPerSecond: 40_000, requestMs: 8, maxPaddedTokens },
    devices,
    count: words,
    clock,
  });
}

it('finds the rate, the fixed part, the smallest fast size and what several at a time bring', async () => {
  const clock = virtualClock();
  const engine = engineOf(clock, { devices: 2 });
  const found = await measureEngine(engine, {
    count: words,
    lengths: [512, 2_048],
    sizes: [2_048, 4_096, 16_384, 32_768],
    maxRows: 512,
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

it('concludes from texts as a line sends them, however fast shorter ones are', async () => {
  const clock = virtualClock();
  const engine = engineOf(clock, { maxPaddedTokens: 65_536 });
  const slowedByLength: typeof engine = {
    ...engine,
    async embed(request) {
      // What attention costs: a token of a text of 4,096 takes 1.5 times as long as one of 512.
      const padded = request.tokens.length * Math.max(...request.tokens);
      await clock.sleep((padded / 40_000) * 1_000 * (Math.max(...request.tokens) / 4_096) * 0.7);
      return engine.embed(request);
    },
  };
  const options = { count: words, sizes: [2_048, 4_096, 8_192, 16_384], maxRows: 32, repeats: 1, inFlight: [1], clock };
  const line = await measureEngine(slowedByLength, { ...options, lengths: [2_048, 4_096] });
  const all = await measureEngine(slowedByLength, {
    ...options,
    lengths: [256, 512, 2_048, 4_096],
    lineLengths: [2_048, 4_096],
  });
  const fastest = Math.max(...all.cells.map(({ tokensPerSecond }) => tokensPerSecond));
  expect(fastest).toBeGreaterThan(1.3 * all.inFlight[0]!.tokensPerSecond);
  expect(all.inFlight[0]!.tokensPerSecond / line.inFlight[0]!.tokensPerSecond).toBeCloseTo(1, 3);
  expect(all.rate.tokensPerSecond).toBeCloseTo(line.rate.tokensPerSecond, 3);
  // A smaller size would not take the largest text.
  expect(all.bestPaddedTokens).toBeGreaterThanOrEqual(4_096);
});

it('sends no more rows than a line would', async () => {
  const clock = virtualClock();
  const options = { count: words, lengths: [256], sizes: [8_192, 16_384], repeats: 1, inFlight: [], clock };
  const { cells, bestPaddedTokens } = await measureEngine(engineOf(clock, {}), { ...options, maxRows: 32 });
  expect(cells.map(({ rows }) => rows)).toEqual([32]);
  expect(bestPaddedTokens).toBe(8_192);
});

it('says so when the engine takes none of it', async () => {
  const clock = virtualClock();
  const options = { count: words, sizes: [4_096], maxRows: 32, repeats: 1, inFlight: [1], clock };
  const small = engineOf(clock, { maxPaddedTokens: 3_000 });
  const measuring = measureEngine(small, { ...options, lengths: [2_048, 4_096] });
  await expect(measuring).rejects.toMatchObject({ code: 'engine_too_large', got: 'engine_too_large' });
  await expect(measuring).rejects.toThrow('up to 4096 tokens');
});

it('makes no negative fixed part of noise', () => {
  const cell = (rows: number, ms: number) => ({ tokens: 100, rows, ms: [ms], tokensPerSecond: 0 });
  expect(fitRate([cell(1, 1), cell(10, 30)])).toEqual({ tokensPerSecond: (1_000 * 550) / 15.5, requestMs: 0 });
  expect(fitRate([cell(4, 10)])).toEqual({ tokensPerSecond: 40_000, requestMs: 0 });
});
