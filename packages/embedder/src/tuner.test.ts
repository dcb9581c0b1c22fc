import { type Clock, systemClock } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import { createTuner, type TunerOptions } from './tuner.ts';

interface World {
  /** Devices behind the address; each takes one request at a time. */
  devices: number;
  serviceMs(paddedTokens: number): number;
  /** Time of ours between an answer and the next request. */
  gapMs?: number;
  /** False: the batcher has nothing to send just now. */
  supply?(timeMs: number): boolean;
}

/** Keeps as many requests under way as the tuner asks for, in simulated time. */
function simulate(world: World, options: Partial<TunerOptions> = {}) {
  let time = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => time };
  const tuner = createTuner({ maxInFlight: 8, maxPaddedTokens: 16_384, clock, ...options });
  let random = 1;
  const running: { at: number; end: (ended: 'done' | 'failed') => void }[] = [];
  const freeAt = new Array<number>(64).fill(0);
  const step = () => {
    while (running.length < tuner.inFlight && (world.supply?.(time) ?? true)) {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      const padded = tuner.maxPaddedTokens * (0.8 + (0.2 * random) / 2_147_483_648);
      let device = 0;
      for (let i = 1; i < world.devices; i++) if (freeAt[i]! < freeAt[device]!) device = i;
      freeAt[device] = Math.max(time + (world.gapMs ?? 5), freeAt[device]!) + world.serviceMs(padded);
      running.push({ at: freeAt[device]!, end: tuner.begin({ paddedTokens: padded, usefulTokens: padded * 0.98 }) });
    }
    running.sort((a, b) => a.at - b.at);
    const next = running.shift();
    if (next === undefined) time += 50;
    else {
      time = next.at;
      next.end('done');
    }
  };
  return { tuner, run: (requests: number) => void Array.from({ length: requests }, step), world };
}

const gpu = (padded: number) => padded / 40 + 8;

describe('requests in flight', () => {
  it.each([
    [1, 2],
    [2, 4],
    [3, 6],
    [4, 8],
  ])('%i devices get %i: one on each, one ready for each', (devices, expected) => {
    const { tuner, run } = simulate({ devices, serviceMs: gpu });
    run(300);
    expect(tuner.inFlight).toBe(expected);
  });

  it('follows a device that joins and one that leaves', () => {
    const { tuner, run, world } = simulate({ devices: 1, serviceMs: gpu });
    run(200);
    expect(tuner.inFlight).toBe(2);
    world.devices = 2;
    run(200);
    expect(tuner.inFlight).toBe(4);
    world.devices = 1;
    run(200);
    expect(tuner.inFlight).toBe(2);
  });

  it('never passes what is allowed', () => {
    const { tuner, run } = simulate({ devices: 8, serviceMs: gpu }, { maxInFlight: 3 });
    run(300);
    expect(tuner.inFlight).toBe(3);
  });

  it('learns nothing from a trickle, which measures the supply', () => {
    const supply = (time: number) => time % 3_000 < 60;
    const { tuner, run } = simulate({ devices: 4, serviceMs: gpu, supply });
    run(400);
    expect(tuner.inFlight).toBe(2);
  });

  it('is not fooled by small requests that went alone', () => {
    const { tuner, run } = simulate({ devices: 1, serviceMs: gpu });
    for (let i = 0; i < 2; i++) tuner.begin({ paddedTokens: 100, usefulTokens: 100 })('done');
    run(400);
    expect(tuner.inFlight).toBe(2);
  });
});

describe('size', () => {
  it('stays at the ceiling where larger requests are no slower', () => {
    const { tuner, run } = simulate({ devices: 1, serviceMs: gpu });
    run(2_000);
    expect(tuner.maxPaddedTokens).toBe(16_384);
  });

  it('goes down where smaller requests are faster, and back when that changes', () => {
    const { tuner, run, world } = simulate({ devices: 1, serviceMs: (padded) => padded / (padded > 9_000 ? 30 : 40) });
    run(1_000);
    expect(tuner.maxPaddedTokens).toBe(8_192);
    world.serviceMs = (padded) => padded / 40 + 200;
    run(4_000);
    expect(tuner.maxPaddedTokens).toBe(16_384);
  });

  it('never grows above what ran out of memory', () => {
    const { tuner, run } = simulate({ devices: 1, serviceMs: (padded) => 200 + padded / 40 });
    tuner.limit(6_000);
    run(2_000);
    expect(tuner.maxPaddedTokens).toBe(6_000);
  });
});
