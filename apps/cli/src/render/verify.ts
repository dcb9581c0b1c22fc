/** What a verify found, and what to type next. */
import type { Fault, VerifySummary } from '@sluice/line';
import { dim, green, red, yellow } from './style.ts';
import { table } from './table.ts';
import { count, plural, printable, shorten } from './words.ts';

const repairs = { mended: green('mended'), again: yellow('hand in again'), left: red('left') };

export function renderFaults(faults: readonly Fault[]): string {
  if (faults.length === 0) return '';
  const rows = faults.map(({ kind, id, key, tenant, rows, detail, repair }) => [
    kind.replaceAll('_', ' '),
    shorten(printable(id ?? key ?? 'the line'), 40),
    printable(tenant ?? ''),
    count(rows),
    printable(detail ?? ''),
    repair === undefined ? '' : repairs[repair],
  ]);
  return `${table(rows, { head: ['fault', 'document', 'tenant', 'rows', '', ''], right: [3] })}\n`;
}

export function renderVerified(
  { line, documents, rows, moving, faults, mended, left }: VerifySummary,
  repair: boolean,
) {
  const found = Object.entries(faults).map(([kind, value]) => `${count(value)} ${kind.replaceAll('_', ' ')}`);
  const compared = `${plural(documents, 'document')} and ${plural(rows, 'row')} compared${moving > 0 ? `, ${plural(moving, 'document')} changed all the while` : ''}`;
  if (found.length === 0) return `${green('Right')}  ${line}: ${compared}.`;
  return `${left === 0 ? green('Mended') : red('Wrong')}  ${line}: ${found.join(', ')}; ${count(mended)} mended. ${dim(compared)}\n${next(left, repair)}`;
}

function next(left: number, repair: boolean): string {
  if (left === 0) return 'Next: npx sluice verify';
  if (!repair) return 'Next: npx sluice verify --repair';
  return 'Next: ingest the sources of the documents above again; they count as changed. What is left needs `npx sluice lines drop` or its own owner.';
}
