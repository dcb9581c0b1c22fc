import { openExistingLine, retryDead } from '@sluice/line';
import { chosenDead, chunksOnly, type DeadOptions } from '../dead-selection.ts';
import { dim, green } from '../render/style.ts';
import { plural } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  const selection = chosenDead(chunksOnly(chunks), options);
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const { retried, gone } = await retryDead(line, selection);
    if (options.json === true) return printJson({ retried, gone });
    if (retried + gone === 0) process.stdout.write(`${dim('No dead letters.')}\n`);
    else {
      process.stdout.write(
        `${green('Retried')} ${plural(retried, 'chunk')}${gone > 0 ? `; ${plural(gone, 'chunk')} nobody wants any more` : ''}. They stay listed until they have another outcome.\n`,
      );
    }
    if (retried > 0 && (await line.ledger.liveWorkers()).length === 0)
      process.stderr.write(`No worker serves the line ${line.name}: start one with \`npx sluice worker\`.\n`);
  });
}
