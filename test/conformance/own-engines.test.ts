/** Sluice's own engines, running, through what `npm run test:engines` asks of every engine: verdict, golden vectors, mixed requests. */
import { expect, it } from 'vitest';
import type { EngineRow } from '../engines/engine-row.ts';
import { engineTable } from '../engines/engine-table.ts';
import { describe, failed } from '../engines/judgement.ts';
import { measureRow } from '../engines/measure.ts';
import { startEngine } from '../engines/server-process.ts';

const own = engineTable.filter((row) => row.own === true);

async function measure(row: EngineRow) {
  if (row.start === undefined) return measureRow(row, 'live', undefined);
  await using server = await startEngine({ ...row, start: row.start });
  return await measureRow(row, 'live', server.url);
}

it.each(own.map((row) => [row.name, row] as const))('%s', { timeout: 240_000 }, async (_, row) => {
  const measured = await measure(row);
  expect(failed(measured), describe(measured)).toBe(false);
});

it('they are the one over HTTP, the embedded one in its three layouts, and the table', () => {
  expect(own.map(({ profile }) => profile)).toEqual(['jina', 'onnx', 'onnx', 'onnx', 'static']);
});
