/** Search hits for people: rank, score, document and place, then two lines of the text. */
import type { QueryHit } from '@sluice/line';
import { bold, cyan, dim, yellow } from './style.ts';
import { printable, shorten } from './words.ts';

export function renderHits(hits: readonly QueryHit[], columns = process.stdout.columns ?? 80): string {
  if (hits.length === 0) return dim('No hits.');
  return hits
    .map((hit) => {
      const heading = hit.heading.length > 0 ? dim(`  ${printable(hit.heading.join(' › '))}`) : '';
      const incomplete = hit.incomplete === true ? yellow('  incomplete') : '';
      const text = shorten(printable(hit.text).replace(/\s+/g, ' ').trim(), Math.max(40, (columns - 6) * 2));
      return `${bold(String(hit.rank).padStart(2))}  ${cyan(hit.score.toFixed(3))}  ${printable(hit.docId)} ${dim(`#${hit.ordinal}`)}${heading}${incomplete}\n    ${text}`;
    })
    .join('\n');
}
