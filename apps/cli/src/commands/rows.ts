import { headingOf, openExistingLine, rowsOfDocument } from '@sluice/line';
import { dim, yellow } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, printable, shorten } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(
  id: string,
  options: { tenant?: string; all?: boolean; vectors?: boolean; json?: boolean; line?: string },
): Promise<void> {
  await runCommand('rows', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const { rows, incomplete } = await rowsOfDocument(line, {
      id,
      all: options.all === true,
      vectors: options.vectors === true && options.json === true,
      ...(options.tenant !== undefined && { tenant: options.tenant }),
    });
    if (options.json === true) {
      for (const row of rows) {
        const { vector, ...rest } = row;
        printJson({
          ...rest,
          ...(vector !== undefined && { vector: [...vector] }),
          ...(incomplete && { incomplete: true }),
        });
      }
      return;
    }
    if (rows.length === 0) {
      process.stdout.write(`${dim('No rows: nothing of this document is stored.')}\n`);
      return;
    }
    if (incomplete)
      process.stdout.write(`${yellow('Not whole yet: some chunks of this revision are still on their way.')}\n`);
    const width = Math.max(20, (process.stdout.columns ?? 80) - 44);
    process.stdout.write(
      `${table(
        rows.map((row) => [
          count(row.ordinal),
          row.rev,
          `${count(row.start)}–${count(row.end)}`,
          shorten(printable([headingOf(row).join(' › '), row.text].filter(Boolean).join('  ')), width),
        ]),
        { head: ['#', 'revision', 'place', 'text'], right: [0] },
      )}\n`,
    );
  });
}
