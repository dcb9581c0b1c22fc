import { openExistingLine } from '@sluice/line';
import { dim, red } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(id: string, options: { rejected?: boolean; json?: boolean; line?: string }): Promise<void> {
  await runCommand('runs', options, async ({ config, logger, releaser }) => {
    const { runs } = await openExistingLine(config, { logger, releaser });
    const record = await runs.read(id);
    const faults = options.rejected === true ? await runs.rejected(id) : [];
    if (options.json === true) {
      printJson(record);
      for (const { skipped, ...fault } of faults) printJson({ type: skipped ? 'skipped' : 'rejected', ...fault });
      return;
    }
    const { documents, chunks } = record;
    process.stdout.write(
      `${table(
        [
          ...Object.entries(documents).map(([name, value]) => [`documents ${name}`, count(value)]),
          ...Object.entries(chunks).map(([name, value]) => [`chunks ${name}`, count(value)]),
        ].filter(([, value]) => value !== '0'),
        { right: [1] },
      )}\n`,
    );
    if (record.cursor !== undefined) process.stdout.write(`${dim(`handed in up to ${printable(record.cursor)}`)}\n`);
    for (const { skipped, where, code, message, fix } of faults) {
      process.stdout.write(
        `${skipped ? dim('skipped ') : red('rejected')} ${printable(where)}  ${code}: ${printable(message)}\n         ${dim(fix)}\n`,
      );
    }
    if (options.rejected === true && faults.length === 0)
      process.stdout.write(`${dim('Nothing was rejected or skipped.')}\n`);
  });
}
