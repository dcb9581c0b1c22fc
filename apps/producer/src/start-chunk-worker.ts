/** `sluice chunk-worker`: chunks what is submitted to one line, for services that others serve or that use the queue alone. */
import { type Config, createReleaser, type Logger } from '@sluice/core';
import { openLine, planLine, watchLine } from '@sluice/line';
import type { Telemetry } from '@sluice/telemetry';
import { chunkSubmissions, type SubmissionConsumer } from './chunk-submissions.ts';
import { openPool } from './open-pool.ts';

/** Throws what opening a line throws. Closing it closes everything that it stands on. */
export async function startChunkWorker({
  config,
  logger,
  telemetry,
}: {
  config: Config;
  logger: Logger;
  telemetry: Telemetry;
}): Promise<SubmissionConsumer> {
  const releaser = createReleaser();
  try {
    const plan = await planLine(config);
    const opened = await openLine(config, plan, { role: 'producer', logger, releaser });
    const line = watchLine(opened, telemetry, releaser);
    for (const warning of line.warnings) logger.warn({ event: 'line warned' }, warning);
    const pool = await openPool(plan, { config, releaser });
    const { finished } = chunkSubmissions({
      line,
      pool,
      cutId: plan.cutId,
      logger,
      health: telemetry.health,
      metrics: telemetry.metrics,
      releaser,
    });
    telemetry.health.enter('working');
    releaser.push('readiness', () => telemetry.health.enter('draining'));
    return { finished, close: () => releaser.release() };
  } catch (error) {
    await releaser.release().catch(() => undefined);
    throw error;
  }
}
