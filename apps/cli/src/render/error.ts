/** An error for people: what, where, expected, got, the fix. A defect of ours shows its stack, because it should be reported. */
import { isSluiceError } from '@sluice/core';
import { bold, dim, red } from './style.ts';
import { printable } from './words.ts';

export function renderError(error: unknown): string {
  if (!isSluiceError(error)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${red('sluice failed unexpectedly')}; please report this:\n${dim(stack)}`;
  }
  const rows: [string, string | undefined][] = [
    ['where', error.where],
    ['expected', error.expected],
    ['got', error.got],
    ['fix', error.fix],
  ];
  return [
    `${red(bold(error.code))}  ${printable(error.what)}`,
    ...rows
      .filter((row): row is [string, string] => row[1] !== undefined)
      .map(([name, value]) => `  ${name.padEnd(9)} ${printable(value)}`),
  ].join('\n');
}
