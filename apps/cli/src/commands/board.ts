import { startService } from '@sluice/producer/service';
import { startTelemetry } from '@sluice/telemetry';
import { untilInterrupted } from '../interrupt.ts';
import { cyan, dim } from '../render/style.ts';
import { runCommand } from '../run-command.ts';
import { onLoopback } from '../stack.ts';

/** The pages of `sluice serve` for whoever sits here: the same service on loopback, which chunks nothing. */
export async function run(options: { port?: number; line?: string }): Promise<void> {
  await runCommand('board', options, async ({ config, logger, releaser, signal }) => {
    const telemetry = await startTelemetry({ config, service: 'board', logger, releaser, quiet: true });
    const service = await startService({
      telemetry,
      config: onLoopback(config, options.port ?? config.SLUICE_BOARD_PORT),
      logger,
      chunk: false,
      portFix: 'Choose another with --port or SLUICE_BOARD_PORT.',
    });
    releaser.push('the service', () => service.close());
    process.stdout.write(`${cyan(service.url)}  ${dim('on loopback; Ctrl-C stops it')}\n`);
    await Promise.race([service.finished, untilInterrupted(signal)]);
  });
}
