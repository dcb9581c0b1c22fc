/** The plan: what makes two runs comparable. */
import { expect, test } from 'vitest';
import { KINDS, planKills } from './kill-plan.ts';
import { createRandom } from './random.ts';

const plan = (kills: number, seed: number) => planKills(kills, createRandom(seed).fork('plan'));

test('the same seed is the same plan, another seed another', () => {
  expect(plan(200, 7)).toEqual(plan(200, 7));
  expect(plan(200, 7)).not.toEqual(plan(200, 8));
});

test.each([1, 12, 20, 199, 200])('%i kills are so many', (kills) => {
  expect(KINDS.reduce((sum, kind) => sum + plan(kills, 1)[kind].length, 0)).toBe(kills);
});

test('of 200 kills every kind has at least 30, at named points and at random times', () => {
  for (const lane of Object.values(plan(200, 20_261_124))) {
    expect(lane.length).toBeGreaterThanOrEqual(30);
    const named = lane.filter(({ point }) => point !== undefined).length;
    expect(named).toBeGreaterThanOrEqual(15);
    expect(lane.length - named).toBeGreaterThanOrEqual(15);
  }
});
