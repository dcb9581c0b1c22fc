import { planSpace } from '@sluice/line';
import { startTelemetry } from '@sluice/telemetry';
import { startLineWorker } from '@sluice/worker';
import { runCommand } from '../run-command.ts';

export async function run(options: { line?: string }): Promise<void> {
  await runCommand('worker', options, async ({ config, logger, releaser, signal }) => {
    const telemetry = await startTelemetry({ config, service: 'worker', logger, releaser });
    const plan = planSpace(config);
    const worker = await startLineWorker({ config, plan, logger, releaser, telemetry, signal });
    const close = () => void worker.close();
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
    // Started by `sluice up`, it does not outlive it.
    process.channel?.unref();
    process.once('disconnect', close);
    await worker.finished;
  });
}
