/** What a reconcile put on record and what it left, and what to type next. */
import type { Leftover, ReconcileSummary } from '@sluice/line';
import { dim, green, yellow } from './style.ts';
import { table } from './table.ts';
import { count, plural, printable, shorten } from './words.ts';

export function renderLeftovers(leftovers: readonly Leftover[]): string {
  if (leftovers.length === 0) return '';
  const rows = leftovers.map(({ kind, id, tenant, rows, revision }) => [
    kind,
    shorten(printable(id), 40),
    printable(tenant ?? ''),
    count(rows),
    revision,
  ]);
  return `${table(rows, { head: ['left over', 'document', 'tenant', 'rows', 'revision'], right: [3] })}\n`;
}

export function renderReconciled(summary: ReconcileSummary): string {
  const { line, rows, documents, whole, adopted, distrusted, strayJobs, left, deleted } = summary;
  const done = [
    `${plural(adopted, 'document')} put on record`,
    ...(distrusted > 0 ? [`${plural(distrusted, 'document')} to be handed in again`] : []),
    ...(strayJobs > 0 ? [`${plural(strayJobs, 'job')} of a lost ledger removed`] : []),
    ...(left > 0 ? [`${plural(left, 'revision')} left over, ${count(deleted)} deleted`] : []),
  ];
  const seen = dim(`${plural(rows, 'row')} of ${plural(documents, 'document')} read, ${count(whole)} readable`);
  return `${green('Reconciled')}  ${line}: ${done.join(', ')}. ${seen}\n${next(summary)}`;
}

function next({ left, deleted, line }: ReconcileSummary): string {
  if (left === deleted) return `Next: npx sluice verify --line ${line}`;
  return yellow(
    `Next: \`npx sluice reconcile PATH…\` with the sources of the documents above, or \`npx sluice reconcile --prune\` to delete those rows.`,
  );
}
