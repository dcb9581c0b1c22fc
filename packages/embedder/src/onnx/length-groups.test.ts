import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paddedTokens } from '../batch-planner.ts';
import { lengthGroups } from './length-groups.ts';

describe('lengthGroups', () => {
  it('holds every row once, within the budget, with at most a fifth of padding', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 60 }), (lengths) => {
        const groups = lengthGroups(
          lengths.map((length) => ({ length })),
          4096,
        );
        expect(groups.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, row) => row));
        for (const group of groups) {
          const own = group.map((row) => lengths[row]!);
          const padded = paddedTokens(own);
          if (group.length > 1) expect(padded).toBeLessThanOrEqual(4096);
          expect(padded - own.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(padded / 5);
        }
      }),
    );
  });
});
