/** Plain tables that fit the terminal: no frames, two spaces between columns, numbers to the right. */
import Table from 'cli-table3';

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export function table(
  rows: readonly (readonly string[])[],
  { head, right = [] }: { head?: readonly string[]; right?: readonly number[] } = {},
): string {
  const width = Math.max(0, ...rows.map((row) => row.length), head?.length ?? 0);
  const printed = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: Array.from({ length: width }, (_, column) => (right.includes(column) ? 'right' : 'left')),
    ...(head !== undefined && { head: [...head] }),
  });
  printed.push(...rows.map((row) => [...row]));
  return printed
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
