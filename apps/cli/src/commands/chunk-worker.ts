import { startChunkWorker } from '@sluice/producer';
import { startTelemetry } from '@sluice/telemetry';
import { untilInterrupted } from '../interrupt.ts';
import { runCommand } from '../run-command.ts';

export async function run(options: { line?: string }): Promise<void> {
  await runCommand('chunk-worker', options, async ({ config, logger, releaser, signal }) => {
    const telemetry = await startTelemetry({ config, service: 'chunk-worker', logger, releaser });
    const worker = await startChunkWorker({ config, logger, telemetry });
    releaser.push('the chunk worker', () => worker.close());
    await Promise.race([worker.finished, untilInterrupted(signal)]);
  });
}
