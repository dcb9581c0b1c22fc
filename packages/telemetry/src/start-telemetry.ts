/** What one process says of itself: metrics, health, and traces where they are asked for. */
import type { Config, Logger, Releaser } from '@sluice/core';
import { createHealth, type Health } from './health.ts';
import type { LabelsOf } from './metric-table.ts';
import { createMetrics, type Metrics, noMetrics } from './metrics.ts';
import { startTracing } from './start-tracing.ts';
import { serveTelemetry } from './telemetry-server.ts';
import { noTracing, type Tracing } from './tracing.ts';

export interface Telemetry {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly health: Health;
}

/** For tests and for what is too short to be watched. */
export const noTelemetry = (): Telemetry => ({ metrics: noMetrics, tracing: noTracing, health: createHealth() });

/** Serves it from now on, `starting` until the caller says otherwise. Throws `bad_configuration`. */
export async function startTelemetry({
  config,
  service,
  logger,
  releaser,
  quiet = false,
}: {
  config: Config;
  service: LabelsOf<'build_info'>['service'];
  logger: Logger;
  releaser: Releaser;
  /** Where it is served goes to the log at debug only: the command has a person before it. */
  quiet?: boolean;
}): Promise<Telemetry> {
  const metrics = createMetrics({ service, logger });
  const health = createHealth();
  const tracing = await startTracing(config, service);
  releaser.push('the traces', () => tracing.close());
  const served = await serveTelemetry({
    host: config.SLUICE_METRICS_HOST,
    port: config.SLUICE_METRICS_PORT,
    metrics,
    health,
    logger,
    quiet,
  });
  releaser.push('metrics and health', () => served.close());
  return { metrics, tracing, health };
}
