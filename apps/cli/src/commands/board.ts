import { startBoard } from '@sluice/producer';
import { untilInterrupted } from '../interrupt.ts';
import { cyan, dim } from '../render/style.ts';
import { runCommand } from '../run-command.ts';

export async function run(options: { port?: number; line?: string }): Promise<void> {
  await runCommand('board', options, async ({ config, logger, releaser, signal }) => {
    const board = await startBoard({ config, logger, port: options.port ?? config.SLUICE_BOARD_PORT });
    releaser.push('the dashboard', () => board.close());
    process.stdout.write(`${cyan(board.url)}  ${dim('read-only, on loopback; Ctrl-C stops it')}\n`);
    await untilInterrupted(signal);
  });
}
