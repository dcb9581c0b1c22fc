/** Search hits for people: rank, score, document and place, then two lines of the text. */
import type { QueryHit } from '@sluice/line';
import wrapAnsi from 'wrap-ansi';
import { bold, cyan, dim, yellow } from './style.ts';
import { printable } from './words.ts';

const INDENT = '    ';
const TEXT_LINES = 2;

export function renderHits(hits: readonly QueryHit[], columns = process.stdout.columns ?? 80): string {
  if (hits.length === 0) return dim('No hits.');
  return hits
    .map((hit) => {
      const heading = hit.heading.length > 0 ? dim(`  ${printable(hit.heading.join(' › '))}`) : '';
      const incomplete = hit.incomplete === true ? yellow('  incomplete') : '';
      return `${bold(String(hit.rank).padStart(2))}  ${cyan(hit.score.toFixed(3))}  ${printable(hit.docId)} ${dim(`#${hit.ordinal}`)}${heading}${incomplete}\n${opening(hit.text, columns)}`;
    })
    .join('\n');
}

/** The first lines of a text, wrapped to the terminal with wide characters counted as two, and indented. */
function opening(text: string, columns: number): string {
  const plain = printable(text.slice(0, columns * TEXT_LINES * 2))
    .replace(/\s+/g, ' ')
    .trim();
  const lines = wrapAnsi(plain, Math.max(20, columns - INDENT.length - 2), { hard: true }).split('\n');
  const shown = lines.slice(0, TEXT_LINES).map((line) => INDENT + line);
  return shown.join('\n') + (lines.length > TEXT_LINES || text.length > columns * TEXT_LINES * 2 ? ' …' : '');
}
