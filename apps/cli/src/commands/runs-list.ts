import { openExistingLine } from '@sluice/line';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  await runCommand('runs', options, async ({ config, logger, releaser }) => {
    const { runs } = await openExistingLine(config, { logger, releaser });
    const records = await runs.list(20);
    if (options.json === true) return records.forEach(printJson);
    if (records.length === 0) process.stdout.write(`${dim('No runs yet.')}\n`);
    else {
      process.stdout.write(
        `${table(
          records.map(({ id, startedAt, inputs, documents }) => [
            id,
            new Date(startedAt).toISOString().slice(0, 19).replace('T', ' '),
            count(documents.accepted),
            count(documents.stored),
            count(documents.rejected),
            inputs.join(' ').slice(0, 40),
          ]),
          { head: ['run', 'started (UTC)', 'accepted', 'stored', 'rejected', 'inputs'], right: [2, 3, 4] },
        )}\n`,
      );
    }
  });
}
