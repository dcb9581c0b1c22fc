/** What a failed cut means for a run: which of it is the document's own, and costs that document alone. */
import { isSluiceError, verdictOf } from '@sluice/core';
import { fault, faultOf } from './source/fault.ts';
import type { ItemFault, Manner, SourceItem } from './source/item.ts';

/**
 * Undefined: it is no document's fault, the run cannot go on. A thread that died, and an error that nobody foresaw, are the
 * document's: it would stop every run that meets it.
 */
export function cutFault(error: unknown, where: string): ItemFault | undefined {
  const verdict = verdictOf(error);
  if (verdict !== 'dead' && verdict !== 'unknown') return undefined;
  if (isSluiceError(error)) return faultOf(error, where);
  // Its message may quote the document.
  return fault('chunker_failed', where, `Cutting failed with ${error instanceof Error ? error.name : typeof error}`);
}

/** A document of markup alone is as empty as an empty file: skipped where it was met, rejected where it was named. */
export function emptyItem(where: string, manner: Manner): Exclude<SourceItem, { type: 'document' }> {
  const empty = fault('empty_document', where, 'The document has no text once its markup is taken away');
  return { type: manner === 'named' ? 'rejected' : 'skipped', fault: empty };
}
