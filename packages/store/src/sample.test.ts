import { expect, it } from 'vitest';
import { stripes } from './sample.ts';

const inside = (id: string, size: number, total: number) =>
  stripes(size, total).filter(({ from, to }) => id >= from && id < to).length;

it('covers every key once when the whole collection is wanted', () => {
  for (const key of ['d00000000', 'd0fffffff', 'd7fffffffabc', 'd80000000', 'dffffffffffff']) {
    expect(inside(key, 1_000, 1_500)).toBe(1);
    expect(inside(key, 11, 0)).toBe(1);
  }
});

it('takes twice the share that is wanted, from all over the key space', () => {
  const found = stripes(1_000, 1_000_000);
  const place = (edge: string) => (edge === 'dg' ? 1 : Number.parseInt(edge.slice(1), 16) / 2 ** 32);
  expect(found.reduce((sum, { from, to }) => sum + place(to) - place(from), 0)).toBeCloseTo(0.002, 5);
  expect(place(found.at(-1)!.from)).toBeGreaterThan(0.9);
});
