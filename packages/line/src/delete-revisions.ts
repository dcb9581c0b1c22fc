/**
 * Deletes all rows of revisions from the collection, noted before in the ledger: a Milvus that is killed soon afterwards may forget it,
 * and the line's workers delete again what is noted.
 */
import { type DocumentKey, type Revision, revisionKey } from '@sluice/core';
import type { Line } from './open-line.ts';

export async function deleteRevisions(
  { ledger, store, info }: Pick<Line, 'ledger' | 'store' | 'info'>,
  revisions: readonly { key: DocumentKey; revision: Revision }[],
): Promise<void> {
  const spans = revisions.map(({ key, revision }) => {
    const prefix = revisionKey(key, revision);
    return { from: prefix, to: `${prefix}g` };
  });
  await ledger.noteDeletions(spans);
  await store.deleteRanges(info.collection, spans);
}
