/** The table of docs/engines.md between its markers; the rest of the page stays. */
import { readFile } from 'node:fs/promises';
import { atGolden } from './judgement.ts';
import type { Measured } from './measure.ts';

const HEAD = [
  'engine',
  'preflight says',
  'passage',
  'query',
  'none',
  'alone against in company',
  'over-long text',
  'base64',
  'texts/s',
];

export async function enginesPage(path: string, rows: readonly Measured[], machine: string): Promise<string> {
  const lines = rows.map((row) => `| ${cells(row).join(' | ')} |`);
  const table = [
    `Measured on ${machine}.`,
    '',
    `| ${HEAD.join(' | ')} |`,
    `|${' --- |'.repeat(HEAD.length)}`,
    ...lines,
  ];
  const page = await readFile(path, 'utf8');
  return page.replace(/(<!-- measured -->)[\s\S]*?(<!-- end -->)/, `$1\n${table.join('\n')}\n$2`);
}

function cells(row: Measured): string[] {
  const figure = (value: number | null) => (value === null ? '–' : value.toFixed(6));
  const when = row.seen === 'replayed' ? ` (recorded ${row.recorded})` : '';
  const said =
    row.code !== undefined
      ? `\`${row.code}\``
      : row.verdict === 'right' && !atGolden(row)
        ? '**taken, and not right**'
        : row.verdict;
  return [
    row.engine,
    `${said}${when}`.replaceAll('|', '\\|'),
    ...[row.passage, row.query, row.none, row.batchInvariance].map(figure),
    row.overLong,
    row.base64 ? 'yes' : 'no',
    row.rowsPerSecond?.toFixed(1) ?? '–',
  ];
}
