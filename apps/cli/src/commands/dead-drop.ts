import { dropDead, findDead, openExistingLine } from '@sluice/line';
import { confirmed } from '../confirm.ts';
import { chosenDead, type DeadOptions } from '../dead-selection.ts';
import { dim, yellow } from '../render/style.ts';
import { plural } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  const selection = chosenDead(chunks, options);
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const documents = new Set<string>();
    for await (const { key } of findDead(line, selection)) documents.add(key);
    const asked = `Give up the latest revision of ${plural(documents.size, 'document')}? One without an older revision is deleted. [y/N] `;
    if (documents.size > 0 && options.yes !== true && !(await confirmed(asked))) return 1;
    const dropped = await dropDead(line, selection);
    if (options.json === true) printJson(dropped);
    else if (documents.size === 0) process.stdout.write(`${dim('No dead letters.')}\n`);
    else {
      process.stdout.write(
        `${yellow('Dropped')}: ${plural(dropped.restored, 'document')} back to the older revision, ${plural(dropped.deleted, 'document')} deleted.\n`,
      );
    }
    if (dropped.restored + dropped.deleted > 0 && (await line.ledger.liveWorkers()).length === 0)
      process.stderr.write('Their rows go when a worker runs: start one with `sluice worker`.\n');
    return 0;
  });
}
