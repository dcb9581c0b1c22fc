/** A worker for the line that the configuration names: opens the line, proves the engine, works. */
import { type Config, type Logger, type Releaser, SluiceError, systemClock } from '@sluice/core';
import { createEngine, type PreflightReport, preflight, readGolden } from '@sluice/embedder';
import { openLine, type SpacePlan } from '@sluice/line';
import { persist } from './persist.ts';
import { runWorker, type SluiceWorker } from './worker.ts';

export interface StartOptions {
  config: Config;
  plan: SpacePlan;
  logger: Logger;
  /** Closes the worker first, then what it stands on. */
  releaser: Releaser;
}

/** Throws what `openLine` throws, `wrong_space` or `unproven_space`. An engine that is not up yet is waited for. */
export async function startLineWorker({ config, plan, logger, releaser }: StartOptions): Promise<SluiceWorker> {
  const line = await openLine(config, plan, { role: 'worker', logger, releaser });
  for (const warning of line.warnings) logger.warn({ event: 'line warned' }, warning);
  const engine = await createEngine(config, { logger });
  releaser.push('the engine', () => engine.close());
  const giveUp = new AbortController();
  releaser.push('the wait for the engine', () => giveUp.abort());
  const golden = config.SLUICE_GOLDEN === undefined ? undefined : await readGolden(config.SLUICE_GOLDEN);
  const report = await persist(() => preflight(engine, plan.engine, golden === undefined ? {} : { golden }), {
    signal: giveUp.signal,
    clock: systemClock,
    onOutage: (error, waitMs) => logger.warn({ event: 'engine awaited', err: error, waitMs }, 'waiting for the engine'),
  });
  requireRight(report, config, engine.where);
  logger.info({ event: 'engine proven', verdict: report.verdict }, 'preflight');
  const worker = runWorker({ line, engine, logger });
  releaser.push('the worker', () => worker.close());
  return worker;
}

function requireRight(report: PreflightReport, config: Config, where: string): void {
  if (report.verdict === 'right') return;
  if (report.verdict === 'unproven' && config.SLUICE_ACCEPT_UNPROVEN) return;
  const failed = report.findings.filter((finding) => finding.status === 'fail');
  throw new SluiceError(report.code ?? (report.verdict === 'unproven' ? 'unproven_space' : 'wrong_space'), {
    message:
      report.verdict === 'unproven'
        ? 'Nothing proves that this engine makes vectors of the right space'
        : "This engine does not make vectors of the line's space",
    where,
    got: failed.map((finding) => `${finding.name}: ${finding.measured}`).join('; ') || undefined,
    fix: failed.find((finding) => finding.fix !== undefined)?.fix,
  });
}
