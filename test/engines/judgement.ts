/** What a row of the run amounts to. An engine that was not seen has no verdict, so a run that could not install it has failed. */
import type { EngineRow } from './engine-row.ts';
import type { Measured } from './measure.ts';

/** bfloat16 is at 0.99998. */
const RIGHT = 0.9999;

/** Not seen, not judged as the table says that it must be, or called right without being at its golden vectors. */
export function failed(measured: Measured): boolean {
  const { seen, verdict, code, expected } = measured;
  if (seen === 'absent') return true;
  if (expected === 'imprecise') return verdict !== 'right';
  if (expected !== 'right') return code !== expected;
  return verdict !== 'right' || !atGolden(measured);
}

/** Every role that it serves gives the golden vectors, the longest texts included. */
export function atGolden({ passage, query }: Measured): boolean {
  const served = [passage, query].filter((lowest) => lowest !== null);
  return served.length > 0 && served.every((lowest) => lowest >= RIGHT);
}

export function describe({ engine, seen, verdict, code, passage, query, note }: Measured): string {
  if (seen === 'absent') return `${engine}: not seen, ${note}`;
  const figure = (lowest: number | null) => lowest?.toFixed(6) ?? '–';
  return `${engine}: ${code ?? verdict}, ${seen}, passage ${figure(passage)}, query ${figure(query)}`;
}

/** `root`: left out of what is said, because it is another one on every machine. */
export function absent(row: EngineRow, error: unknown, root: string): Measured {
  const words = error instanceof Error ? error.message : String(error);
  return {
    engine: row.name,
    seen: 'absent',
    expected: row.expect,
    passage: null,
    query: null,
    none: null,
    batchInvariance: null,
    overLong: 'not asked',
    base64: false,
    rowsPerSecond: null,
    note: words.replaceAll(root, '').split('\n').slice(0, 3).join(' ').slice(0, 300),
  };
}
