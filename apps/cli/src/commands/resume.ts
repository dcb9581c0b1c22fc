import { openExistingLine } from '@sluice/line';
import { green } from '../render/style.ts';
import { runCommand } from '../run-command.ts';

export async function run(options: { line?: string }): Promise<void> {
  await runCommand('resume', options, async ({ config, logger, releaser }) => {
    const { name, ledger } = await openExistingLine(config, { logger, releaser });
    const paused = await ledger.paused();
    await ledger.resume();
    process.stdout.write(
      paused === undefined
        ? `${name} was not paused.\n`
        : `${green('Resumed')} ${name}: its workers go on within seconds.\n`,
    );
  });
}
