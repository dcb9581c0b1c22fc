import { isSluiceError } from '@sluice/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosine, cutVector } from './matryoshka.ts';

const code = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return isSluiceError(error) ? error.code : error;
  }
  return undefined;
};

describe('cutVector', () => {
  it('keeps the direction of the first components and makes them unit length', () => {
    const vector = fc.float32Array({
      noNaN: true,
      noDefaultInfinity: true,
      min: -1,
      max: 1,
      minLength: 8,
      maxLength: 64,
    });
    fc.assert(
      fc.property(vector, fc.integer({ min: 1, max: 8 }), (full, dimension) => {
        const head = full.slice(0, dimension);
        fc.pre(Math.hypot(...head) > 1e-3);
        const cut = cutVector(full, dimension);
        expect(cut).toHaveLength(dimension);
        expect(Math.hypot(...cut)).toBeCloseTo(1, 6);
        expect(cosine(cut, head)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('refuses what has no direction', () => {
    expect(code(() => cutVector(Float32Array.of(0, 0, 1), 2))).toBe('zero_vector');
    expect(code(() => cutVector(Float32Array.of(Number.NaN, 1), 2))).toBe('bad_vector');
    expect(code(() => cutVector(Float32Array.of(1, 1), 3))).toBeInstanceOf(RangeError);
  });

  it('does not touch the full vector', () => {
    const full = Float32Array.of(3, 4, 12);
    expect([...cutVector(full, 2)]).toEqual([0.6000000238418579, 0.800000011920929]);
    expect([...full]).toEqual([3, 4, 12]);
  });
});
