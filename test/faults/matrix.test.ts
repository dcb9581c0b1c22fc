/** The matrix in short: rows that nothing else in `npm test` tries, on the shared Milvus, with outages of a second. */
import { expect, inject, test } from 'vitest';
import { matrix } from './matrix.ts';
import { tryRow } from './try-row.ts';

const SEED = 1;
const rows = matrix.filter(({ short }) => short === true);

test.concurrent.for(rows)('$id: $fault', { timeout: 600_000 }, async (row) => {
  const stage = { milvus: inject('stack').milvus, short: true, outageMs: 1_000 };
  expect(await tryRow(row, stage, SEED)).toBeDefined();
});
