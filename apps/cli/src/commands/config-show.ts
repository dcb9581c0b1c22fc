import { printableConfig } from '@sluice/core';
import { loadSettings } from '../context.ts';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { printJson } from '../run-command.ts';

export async function run(options: { origin?: boolean; json?: boolean; line?: string }): Promise<void> {
  const rows = printableConfig(await loadSettings(options.line === undefined ? {} : { SLUICE_LINE: options.line }));
  if (options.json === true) {
    printJson(
      Object.fromEntries(
        rows.map(({ name, value, origin }) => [name, options.origin === true ? { value, origin } : value]),
      ),
    );
    return;
  }
  process.stdout.write(
    `${table(rows.map(({ name, value, origin }) => [name, value === '' ? dim('(not set)') : value, ...(options.origin === true ? [dim(origin)] : [])]))}\n`,
  );
}
