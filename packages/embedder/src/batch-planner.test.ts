import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBatchPlanner, paddedTokens } from './batch-planner.ts';

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 4096 }) }) },
    { weight: 1, arbitrary: fc.constant({ take: true as const }) },
  ),
  { maxLength: 200 },
);

describe('batch planner', () => {
  it('never exceeds either budget, gives out every item exactly once, and always takes the oldest', () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 4096, max: 20_000 }),
        fc.integer({ min: 1, max: 40 }),
        (script, budget, rows) => {
          const planner = createBatchPlanner<{ id: number; tokens: number }>({
            maxPaddedTokens: budget,
            maxRows: rows,
          });
          const waiting = new Map<number, number>();
          let next = 0;
          const takeOne = () => {
            const batch = planner.take();
            expect(batch.length).toBeLessThanOrEqual(rows);
            expect(paddedTokens(batch.map(({ tokens }) => tokens))).toBeLessThanOrEqual(budget);
            if (waiting.size > 0) expect(batch.map(({ id }) => id)).toContain(Math.min(...waiting.keys()));
            for (const { id } of batch) expect(waiting.delete(id)).toBe(true);
          };
          for (const step of script) {
            if ('add' in step) {
              planner.add({ id: next, tokens: step.add }, step.add);
              waiting.set(next++, step.add);
            } else takeOne();
            expect(planner.size).toBe(waiting.size);
            expect(planner.tokens).toBe([...waiting.values()].reduce((sum, tokens) => sum + tokens, 0));
          }
          while (waiting.size > 0) takeOne();
          expect(planner.take()).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps the budgets with two classes, and fills with the other class only what is left', () => {
    const entries = fc.array(fc.record({ tokens: fc.integer({ min: 0, max: 4_096 }), live: fc.boolean() }), {
      minLength: 1,
      maxLength: 120,
    });
    fc.assert(
      fc.property(
        entries,
        fc.integer({ min: 4_096, max: 40_000 }),
        fc.integer({ min: 1, max: 40 }),
        (all, budget, rows) => {
          const options = { maxPaddedTokens: budget, maxRows: rows, mostPasses: Number.POSITIVE_INFINITY };
          const mixed = createBatchPlanner<(typeof all)[number]>({ ...options, classOf: (priority) => priority });
          const pure = createBatchPlanner<(typeof all)[number]>(options);
          for (const entry of all) {
            mixed.add(entry, entry.tokens, entry.live ? 0 : 1);
            if (entry.live) pure.add(entry, entry.tokens);
          }
          let given = 0;
          for (let batch = mixed.take(); batch.length > 0; batch = mixed.take()) {
            given += batch.length;
            expect(batch.length).toBeLessThanOrEqual(rows);
            expect(paddedTokens(batch.map(({ tokens }) => tokens))).toBeLessThanOrEqual(budget);
            // As long as there is live work, a batch has of it what it would have if there were no other.
            const live = batch.filter((entry) => entry.live);
            expect(live).toEqual(pure.take());
          }
          expect(given).toBe(all.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('does urgent work of any lengths as soon as there is room, however much else is in hand', () => {
    const HELD = 256;
    const random = seeded(7);
    const lengths = Array.from({ length: 100 }, () => 2_048 + Math.floor(random() * 2_048));
    /** Batches until the last of them is out, when what was taken is made up for from the queue: them first. */
    const batchesUntilDone = (others: number): number => {
      const planner = createBatchPlanner<'urgent' | 'other'>({
        maxPaddedTokens: 65_536,
        maxRows: 64,
        classOf: (priority) => priority,
      });
      const coming = [...lengths];
      let left = lengths.length;
      for (let i = 0; i < others; i += 1) planner.add('other', 2_048 + Math.floor(random() * 2_048), 1);
      for (let batches = 0; ; batches += 1) {
        while (coming.length > 0 && planner.size < HELD) planner.add('urgent', coming.shift()!, 0);
        while (others > 0 && planner.size < HELD) planner.add('other', 2_048 + Math.floor(random() * 2_048), 1);
        if (left === 0) return batches;
        left -= planner.take().filter((item) => item === 'urgent').length;
      }
    };
    expect(batchesUntilDone(HELD)).toBeLessThanOrEqual(2 * batchesUntilDone(0));
  });

  it('goes by priority before age', () => {
    const planner = createBatchPlanner<string>({ maxPaddedTokens: 4_096, maxRows: 1 });
    for (const [name, priority] of [
      ['bulk', 1_048_576],
      ['live', 1],
      ['more bulk', 1_048_576],
      ['at once', 0],
    ] as const)
      planner.add(name, 4_096, priority);
    expect([planner.take(), planner.take()].flat()).toEqual(['at once', 'live']);
    expect(planner.drain()).toEqual(['bulk', 'more bulk']);
  });

  it.each([64, 256])('wastes at most 5 %% on padding with %i chunks of 2,048–4,096 tokens to choose from', (window) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2048, max: 4096 }), { minLength: window + 600, maxLength: window + 600 }),
        (lengths) => {
          const planner = createBatchPlanner<number>({
            maxPaddedTokens: 16_384,
            maxRows: 32,
          });
          let useful = 0;
          let padded = 0;
          let at = 0;
          while (at < lengths.length) {
            while (planner.size < window && at < lengths.length) planner.add(lengths[at]!, lengths[at++]!);
            const batch = planner.take();
            useful += batch.reduce((sum, tokens) => sum + tokens, 0);
            padded += paddedTokens(batch);
          }
          expect((padded - useful) / padded).toBeLessThanOrEqual(0.05);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('fills requests: with plenty to choose from a batch uses most of the budget', () => {
    const planner = createBatchPlanner<number>({
      maxPaddedTokens: 16_384,
      maxRows: 32,
    });
    for (let i = 0; i < 256; i++) planner.add(2048 + i * 8, 2048 + i * 8);
    let batches = 0;
    let padded = 0;
    while (planner.size > 64) {
      padded += paddedTokens(planner.take());
      batches += 1;
    }
    expect(padded / batches).toBeGreaterThan(0.75 * 16_384);
  });

  it('takes one by one when the working size shrank below an item', () => {
    const planner = createBatchPlanner<string>({
      maxPaddedTokens: 1000,
      maxRows: 8,
    });
    for (const name of ['a', 'b']) planner.add(name, 400);
    expect(planner.take({ maxPaddedTokens: 200 })).toEqual(['a']);
    expect(planner.take({ maxPaddedTokens: 200, maxRows: 0 })).toEqual(['b']);
  });

  it('lets no odd length starve: work of lower priority that never ends passes over what came before it a bounded number of times', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 4_096 }), { minLength: 1, maxLength: 6 }),
        (most, odd) => {
          const planner = createBatchPlanner<string>({ maxPaddedTokens: 8_192, maxRows: 4, mostPasses: most });
          for (const [index, tokens] of odd.entries()) planner.add(`bulk ${index}`, tokens, 2);
          const left = new Set(odd.keys());
          for (let takes = 0; takes < most + odd.length; takes++) {
            for (let live = 0; live < 4; live++) planner.add('live', 8_000, 1);
            for (const item of planner.take()) if (item !== 'live') left.delete(Number(item.slice(5)));
          }
          expect([...left]).toEqual([]);
        },
      ),
    );
  });

  it('drains in the order of arrival', () => {
    const planner = createBatchPlanner<string>({
      maxPaddedTokens: 1000,
      maxRows: 8,
    });
    planner.add('first', 900);
    planner.add('second', 1);
    expect(planner.drain()).toEqual(['first', 'second']);
    expect([planner.size, planner.tokens]).toEqual([0, 0]);
  });

  it('refuses an item that never fits', () => {
    const planner = createBatchPlanner<string>({
      maxPaddedTokens: 1000,
      maxRows: 8,
    });
    expect(() => planner.add('x', 1001)).toThrow(RangeError);
  });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
