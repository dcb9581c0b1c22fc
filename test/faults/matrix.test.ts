/** The matrix in short: the rows that need no minutes, on the shared Milvus, with outages of a second. */
import { expect, inject, test } from 'vitest';
import { type LineBench, openLineBench } from './line-bench.ts';
import { matrix } from './matrix.ts';
import { createRandom } from './random.ts';

const SEED = 1;

const rows = matrix.filter(({ short }) => short === true);

test.concurrent.for(rows)('$id: $fault', { timeout: 600_000 }, async (row) => {
  const { milvus } = inject('stack');
  const opened: LineBench[] = [];
  try {
    const outcome = await row.run({
      milvus,
      short: true,
      outageMs: 1_000,
      async bench() {
        const name = `fault-${row.id.toLowerCase()}`;
        const bench = await openLineBench(name, milvus, createRandom(SEED).fork(row.id));
        opened.push(bench);
        return bench;
      },
    });
    expect(outcome).toBeDefined();
  } finally {
    for (const bench of opened) await bench.close();
  }
});
