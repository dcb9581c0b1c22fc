import { openExistingLine } from '@sluice/line';
import { dim, yellow } from '../render/style.ts';
import { runCommand } from '../run-command.ts';

export async function run(options: { reason: string; line?: string }): Promise<void> {
  await runCommand('pause', options, async ({ config, logger, releaser }) => {
    const { name, ledger } = await openExistingLine(config, { logger, releaser });
    await ledger.pause(options.reason);
    process.stdout.write(
      `${yellow('Paused')} ${name}: its workers finish the batch at hand and hold within seconds.  ${dim(`npx sluice resume --line ${name}`)}\n`,
    );
  });
}
