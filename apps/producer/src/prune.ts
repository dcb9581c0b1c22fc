/**
 * Deletes the documents of a source that a complete read no longer found: those that neither this run nor a later one has seen.
 * Refused after a read error, on an empty root, or above the share that may go.
 */
import { SluiceError } from '@sluice/core';
import type { Line } from '@sluice/line';
import type { Run } from '@sluice/queue';

export interface PruneOptions {
  line: Pick<Line, 'ledger' | 'store' | 'info'>;
  source: { name: string; number: number };
  run: Pick<Run, 'number'>;
  pruneMax: number;
  /** Everything was read without a fault. */
  complete: boolean;
  onPruned(id: string): void;
}

/** The documents of the source that this run has not seen, and how many documents the source has. */
export async function findGone({
  line,
  source,
  run,
}: Pick<PruneOptions, 'line' | 'source' | 'run'>): Promise<{ keys: string[]; total: number }> {
  const keys: string[] = [];
  let total = 0;
  for await (const page of line.ledger.scanSource({ source: source.number, notSeenBy: run.number })) {
    total += page.total;
    keys.push(...page.gone);
  }
  return { keys, total };
}

/** Throws `prune_refused` where what was not read, or not found, is no reason to delete. */
export function checkPrune(
  { source, pruneMax, complete }: { source: string; pruneMax: number; complete: boolean },
  { gone, total }: { gone: number; total: number },
): void {
  const where = `source ${source}`;
  if (!complete) {
    throw new SluiceError('prune_refused', {
      message: 'Some items could not be read, so what is missing cannot be told from what was not read',
      where,
      fix: 'Mend the rejected items, or leave them out with .ingestignore, and run again.',
    });
  }
  if (gone === 0) return;
  if (gone === total) {
    throw new SluiceError('prune_refused', {
      message: 'The read found none of the documents of this source',
      where,
      got: `${total} documents would be deleted`,
      fix: 'Check the path: an unmounted folder looks empty. `npx sluice delete` deletes documents by id.',
    });
  }
  if (gone > pruneMax * total) {
    throw new SluiceError('prune_refused', {
      message: 'Pruning would delete more than it may',
      where,
      expected: `${Math.round(pruneMax * 100)} % at most`,
      got: `${gone} of ${total} documents`,
    });
  }
}

/** Returns how many documents were deleted. Throws `prune_refused`. */
export async function pruneSource(options: PruneOptions): Promise<number> {
  const { line, source, run, onPruned } = options;
  const { keys, total } = await findGone(options);
  checkPrune({ ...options, source: source.name }, { gone: keys.length, total });
  for (let from = 0; from < keys.length; from += 256) {
    const slice = keys.slice(from, from + 256);
    const names = await line.store.documentIds(line.info.collection, slice);
    await line.ledger.remove(
      slice.map((key) => ({ key, id: names.get(key)?.id ?? key, tenant: names.get(key)?.tenant, run: run.number })),
    );
    for (const key of slice) onPruned(names.get(key)?.id ?? key);
  }
  return keys.length;
}
