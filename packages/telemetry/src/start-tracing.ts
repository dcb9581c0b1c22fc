/** Tracing as the configuration asks for it. OpenTelemetry is an optional dependency, loaded only when a collector is named. */
import { type Config, SluiceError } from '@sluice/core';
import { noTracing, type Tracing } from './tracing.ts';

/** Throws `bad_configuration` when traces are asked for and the optional packages are not installed. */
export async function startTracing(
  config: Pick<Config, 'SLUICE_OTLP_URL' | 'SLUICE_TRACE_RATIO'>,
  service: string,
): Promise<Tracing> {
  if (config.SLUICE_OTLP_URL === undefined) return noTracing;
  const { startOpenTelemetry } = await import('./open-telemetry.ts').catch((error: unknown) => {
    throw new SluiceError('bad_configuration', {
      message: 'Traces are asked for, and the OpenTelemetry packages are not installed',
      where: 'SLUICE_OTLP_URL',
      fix: 'Install the optional dependencies of @sluice/telemetry, or unset SLUICE_OTLP_URL.',
      cause: error,
    });
  });
  return startOpenTelemetry({ url: config.SLUICE_OTLP_URL, ratio: config.SLUICE_TRACE_RATIO, service });
}
