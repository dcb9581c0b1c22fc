import { describe, expect, it } from 'vitest';
import { cosine } from './matryoshka.ts';
import { nullVector } from './null-engine.ts';

describe('null engine', () => {
  it('gives equal texts equal unit vectors and other texts other ones', () => {
    const a = nullVector('a', 1024);
    expect(nullVector('a', 1024)).toEqual(a);
    expect(Math.hypot(...a)).toBeCloseTo(1, 6);
    expect(Math.abs(cosine(a, nullVector('b', 1024)))).toBeLessThan(0.2);
  });
});
