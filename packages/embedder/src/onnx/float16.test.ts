import { describe, expect, it } from 'vitest';
import { float32Of } from './float16.ts';

describe('float32Of', () => {
  it('reads the bits of every kind of half', () => {
    const bits = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x3555);
    expect([...float32Of(bits)]).toEqual([
      ...[0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65_504],
      ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.333251953125],
    ]);
    expect(float32Of(Uint16Array.of(0x7e00))[0]).toBeNaN();
  });

  it('copies what reads its halves by itself', () => {
    expect([...float32Of(Float32Array.of(0.5, -1))]).toEqual([0.5, -1]);
  });
});
