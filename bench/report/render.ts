/** A report for people: machine, configuration, then minimum, median and maximum of each figure and what is promised of it. */
import { type Figure, held, median, type Report } from './report.ts';

export function renderReport(report: Report): string {
  const { bench, question, form, machine, versions = {}, configuration, figures, remarks = [], seconds } = report;
  const rows = figures.map((figure) => [
    nameOf(figure),
    ...summary(figure),
    figure.unit,
    promise(figure),
    form === 'short' ? '' : verdict(figure),
  ]);
  return [
    `${bench}${form === 'short' ? ', short form' : ''}: ${question}`,
    `machine: ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, load ${machine.load[0]}`,
    `versions: ${listed(versions, ' ')}`,
    `configuration: ${listed(configuration, ' ')}`,
    '',
    ...aligned([['', 'min', 'median', 'max', '', 'promised', ''], ...rows]),
    ...[...sources(figures), ...remarks].map((remark) => `- ${remark}`),
    `${seconds} s`,
  ].join('\n');
}

export function nameOf({ name, baseline }: Figure): string {
  return typeof baseline === 'object' ? `${name} (quoted)` : name;
}

/** Where quoted figures come from, one line each. */
export function sources(figures: readonly Figure[]): string[] {
  return figures.flatMap(({ name, baseline }) =>
    typeof baseline === 'object' ? [`Quoted, ${name}: ${baseline.source}.`] : [],
  );
}

export function listed(values: Readonly<Record<string, string | number>>, between: string, separator = ', '): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}${between}${value}`)
    .join(separator);
}

/** Minimum, median and maximum; of a single run only its value, in the middle. */
export function summary({ runs }: Figure): [min: string, median: string, max: string] {
  if (runs.length === 1) return ['', short(runs[0]!), ''];
  return [short(Math.min(...runs)), short(median(runs)), short(Math.max(...runs))];
}

export function promise({ limit }: Figure): string {
  if (limit === undefined) return '';
  const bound = 'atLeast' in limit ? `≥ ${short(limit.atLeast)}` : `≤ ${short(limit.atMost)}`;
  return limit.everyRun ? `${bound} in every run` : bound;
}

function verdict(figure: Figure): string {
  const answer = held(figure);
  return answer === undefined ? '' : answer ? 'held' : 'MISSED';
}

/** Three significant digits, and thousands apart. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 4) });
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column > 0 && column < 4 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
