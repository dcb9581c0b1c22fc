/** The rows of a collection as whole documents, some at a time, from pages that may end in the middle of one. */
import { type DocumentKey, parseChunkId } from '@sluice/core';

export interface SeenDocument<R> {
  key: DocumentKey;
  /** Every row of it, of whatever revision, by id. */
  rows: R[];
  /** Ids that are stored more than once. */
  doubled: string[];
}

export async function* documentsOf<R extends { id: string }>(
  pages: AsyncIterable<{ rows: R[]; doubled: string[] }>,
  groupSize: number,
): AsyncGenerator<SeenDocument<R>[]> {
  let group: SeenDocument<R>[] = [];
  for await (const { rows, doubled } of pages) {
    const twice = new Set(doubled);
    for (const row of rows) {
      const { key } = parseChunkId(row.id);
      if (group.at(-1)?.key !== key) {
        if (group.length >= groupSize) {
          yield group;
          group = [];
        }
        group.push({ key, rows: [], doubled: [] });
      }
      group.at(-1)!.rows.push(row);
      if (twice.has(row.id)) group.at(-1)!.doubled.push(row.id);
    }
  }
  if (group.length > 0) yield group;
}
