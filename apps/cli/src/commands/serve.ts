import { startService } from '@sluice/producer/service';
import { startTelemetry } from '@sluice/telemetry';
import type { Flags } from '../context.ts';
import { untilInterrupted } from '../interrupt.ts';
import { cyan, dim } from '../render/style.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: {
  host?: string;
  port?: number;
  chunk: boolean;
  json?: boolean;
  line?: string;
}): Promise<void> {
  const flags: Flags = {
    ...(options.host !== undefined && { SLUICE_SERVE_HOST: options.host }),
    ...(options.port !== undefined && { SLUICE_SERVE_PORT: String(options.port) }),
  };
  await runCommand(
    'serve',
    options,
    async ({ config, logger, releaser, signal }) => {
      const telemetry = await startTelemetry({ config, service: 'serve', logger, releaser });
      const service = await startService({ config, logger, telemetry, chunk: options.chunk });
      releaser.push('the service', () => service.close());
      if (options.json === true) printJson({ type: 'serving', url: service.url, line: config.SLUICE_LINE });
      else
        process.stdout.write(
          `${cyan(service.url)}  ${dim(`the API is described at ${service.url}/docs; Ctrl-C stops it`)}\n`,
        );
      await Promise.race([service.finished, untilInterrupted(signal)]);
    },
    flags,
  );
}
