/** The closing table of a run, and what to type next. */
import type { IngestSummary } from '@sluice/producer';
import { bold, dim, green, red, yellow } from './style.ts';
import { table } from './table.ts';
import { approx, count, duration } from './words.ts';

export interface SummaryOptions {
  waited: boolean;
  /** False where the caller has its own closing words. */
  next?: boolean | undefined;
}

export function renderSummary(summary: IngestSummary, { waited, next = true }: SummaryOptions): string {
  const { documents, chunks, tokens } = summary;
  const rows: string[][] = [['read', count(documents.read), '']];
  const add = (name: string, value: number, note = '') => {
    if (value > 0) rows.push([name, count(value), note]);
  };
  add('unchanged', documents.unchanged);
  add('skipped', documents.skipped);
  add('accepted', documents.accepted, `${count(chunks.accepted)} chunks`);
  add(
    'stored',
    documents.stored,
    chunks.reused > 0
      ? `${count(chunks.stored - chunks.reused)} chunks embedded, ${count(chunks.reused)} reused`
      : `${count(chunks.stored)} chunks`,
  );
  add('superseded', documents.superseded, 'by a newer revision');
  add('partial', documents.partial, `${count(chunks.dead)} dead chunks: an older revision, if any, stays readable`);
  add('deleted', documents.deleted);
  for (const [code, value] of Object.entries(summary.rejectedByCode)) add(red('rejected'), value, code);
  const rate = tokens.useful > 0 && summary.seconds > 0 ? `${approx(tokens.useful / summary.seconds)} tokens/s` : '';
  const facts = [
    duration(summary.seconds),
    tokens.useful > 0 ? `${approx(tokens.useful)} tokens` : '',
    rate,
    summary.engineRequests > 0 ? `${count(summary.engineRequests)} engine requests` : '',
  ];
  return [
    bold(`Run ${summary.run} on line ${summary.line}`),
    table(rows, { right: [1] }),
    dim(facts.filter(Boolean).join(' · ')),
    verdict(summary, waited, next),
  ].join('\n');
}

function verdict(summary: IngestSummary, waited: boolean, next: boolean): string {
  if (summary.exitCode === 130)
    return yellow('Interrupted. Nothing accepted is lost; the same command goes on where this one stopped.');
  if (summary.exitCode === 3)
    return `${yellow('Finished, with failed items.')}  Next: npx sluice runs show ${summary.run} --rejected`;
  if (!next) return green('Done.');
  if (!waited) return `${green('Accepted.')}  Next: npx sluice status --line ${summary.line}`;
  return `${green('Done.')}  Next: npx sluice query --line ${summary.line} "what you are looking for"`;
}
