/** A sample of what readers see of a line: one row each of chunks from all over it. */
import { parseChunkId } from '@sluice/core';
import type { SampledRow } from '@sluice/store';
import type { Line } from './open-line.ts';

/** At most `size` rows of whole revisions, with the stored vector or with the text. */
export async function sampleLine(
  { ledger, store, info }: Pick<Line, 'ledger' | 'store' | 'info'>,
  options: { size: number; field: 'vector' | 'text' },
): Promise<SampledRow[]> {
  const rows = await store.sampleRows(info.collection, options);
  const keys = [...new Set(rows.map(({ id }) => parseChunkId(id).key))];
  const whole = new Map((await ledger.wholeOf(keys)).map((revision, index) => [keys[index]!, revision]));
  return rows.filter(({ id }) => {
    const { key, revision } = parseChunkId(id);
    return whole.get(key) === revision;
  });
}
