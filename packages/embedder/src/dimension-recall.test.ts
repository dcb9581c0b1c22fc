import { describe, expect, it } from 'vitest';
import { dimensionRecall } from './dimension-recall.ts';
import { nullVector } from './null-engine.ts';

const sample = Array.from({ length: 60 }, (_, i) => nullVector(String(i), 64));

describe('dimensionRecall', () => {
  it('is 1 for the full dimension and less for a smaller one, with what each costs', async () => {
    const [full, half, few] = await dimensionRecall(sample, [64, 32, 4]);
    expect(full).toEqual({ dimension: 64, recall: 1, bytesPerMillion: 256_000_000 });
    expect(half!.recall).toBeLessThan(1);
    expect(few!.recall).toBeLessThan(half!.recall);
  });

  it('finds the same neighbours where everything is in the first components', async () => {
    const padded = sample.map((vector) => Float32Array.from({ length: 128 }, (_, i) => (i < 64 ? vector[i]! : 0)));
    expect((await dimensionRecall(padded, [64]))[0]!.recall).toBe(1);
  });

  it('needs enough vectors to have neighbours', async () => {
    await expect(dimensionRecall(sample.slice(0, 10), [4])).rejects.toThrow(RangeError);
  });
});
