import { expect, test } from 'vitest';
import { createAloneGate } from './alone-gate.ts';

test('who is alone is alone, however many come before, beside and after', async () => {
  const gate = createAloneGate();
  const inside = new Set<string>();
  const met: string[] = [];
  const visit = (name: string, alone: boolean) =>
    gate.enter(
      async () => {
        inside.add(name);
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
        met.push(`${name}: ${[...inside].sort().join(' ')}`);
        inside.delete(name);
      },
      { alone },
    );
  await Promise.all([
    visit('a', false),
    visit('b', false),
    visit('lone', true),
    visit('c', false),
    visit('other', true),
    visit('d', false),
    visit('e', false),
  ]);
  expect(met).toEqual(['a: a b', 'b: b', 'lone: lone', 'c: c', 'other: other', 'd: d e', 'e: e']);
});

test('one that throws lets the next in', async () => {
  const gate = createAloneGate();
  const thrown = gate.enter(async () => Promise.reject(new Error('ended')), { alone: true });
  await expect(thrown).rejects.toThrow('ended');
  expect(await gate.enter(async () => 'in', { alone: true })).toBe('in');
});
