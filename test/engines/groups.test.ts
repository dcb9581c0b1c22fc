/** Which texts run together on a device (infra/engines/groups.py): within the budget, and within the shapes that TensorRT was built for. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from './layouts.ts';

const PROGRAM = `
import json, sys
from groups import bucket_of, buckets, groups
lengths, budget, window = json.load(sys.stdin)
shapes = buckets(budget, window)
print(json.dumps({"shapes": shapes, "plain": groups(lengths, budget),
                  "bucketed": groups(lengths, budget, lambda length: bucket_of(length, shapes))}))
`;

interface Found {
  shapes: [longest: number, rows: number][];
  plain: number[][];
  bucketed: number[][];
}

async function grouped(lengths: readonly number[], budget: number): Promise<Found> {
  const python = join(root, '.sluice', 'venv', 'bin', 'python');
  const running = promisify(execFile)(python, ['-c', PROGRAM], { cwd: join(root, 'infra', 'engines') });
  running.child.stdin!.end(JSON.stringify([lengths, budget, 8_192]));
  return JSON.parse((await running).stdout) as Found;
}

const lengths = Array.from({ length: 300 }, (_, i) => 2 + ((i * 977) % 8_191));

test('a group is within the budget, and every row is in one', async () => {
  const { plain } = await grouped(lengths, 16_384);
  expect(plain.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
  for (const group of plain) expect(lengths[group[0]!]! * group.length).toBeLessThanOrEqual(16_384);
});

test.each([4_096, 16_384, 32_768])(
  'with %i tokens no shape is larger than a row or the budget, and no group than its shape',
  async (budget) => {
    const { shapes, bucketed } = await grouped(lengths, budget);
    expect(shapes.at(-1)![0]).toBe(8_192);
    for (const [longest, rows] of shapes) expect(longest * rows).toBeLessThanOrEqual(Math.max(budget, longest));
    expect(bucketed.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const group of bucketed) {
      const [, rows] = shapes.find(([longest]) => lengths[group[0]!]! <= longest)!;
      expect(group.length).toBeLessThanOrEqual(rows);
    }
  },
);

test('short texts still go in many rows', async () => {
  const { shapes, bucketed } = await grouped(new Array(64).fill(300), 16_384);
  expect(shapes).toEqual([
    [1_024, 16],
    [4_096, 4],
    [8_192, 2],
  ]);
  expect(bucketed.map(({ length }) => length)).toEqual([16, 16, 16, 16]);
});
