/** A worker for the line that the configuration names: opens the line, proves the engine, works. */
import {
  type Config,
  createErrorCollapser,
  type Logger,
  persist,
  type Releaser,
  SluiceError,
  systemClock,
} from '@sluice/core';
import {
  checkCanary,
  createEngine,
  findGolden,
  type PacedEngine,
  paceEngine,
  preflight,
  proofForLine,
  proveAgain,
  sameProof,
} from '@sluice/embedder';
import { openLine, type SpacePlan, watchLine } from '@sluice/line';
import type { LedgerOptions } from '@sluice/queue';
import { noTelemetry, type Telemetry } from '@sluice/telemetry';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { observeEngine } from './observe-engine.ts';
import { type RunWorkerOptions, runWorker, type SluiceWorker } from './worker.ts';

export interface StartOptions extends Pick<RunWorkerOptions, 'onStep' | 'timing'> {
  config: Config;
  plan: SpacePlan;
  logger: Logger;
  /** Closes the worker first, then what it stands on. */
  releaser: Releaser;
  telemetry?: Telemetry;
  /** Ends the wait for an engine that is not up yet; its reason is thrown. A worker that works is closed instead. */
  signal?: AbortSignal;
  ledger?: LedgerOptions;
}

/**
 * Throws what `openLine` throws, and the refusal of an engine whose space is wrong or unproven. An engine that is not up yet
 * is waited for.
 */
export async function startLineWorker({
  config,
  plan,
  logger,
  releaser,
  telemetry = noTelemetry(),
  signal,
  ledger,
  onStep,
  timing,
}: StartOptions): Promise<SluiceWorker> {
  const { metrics, health } = telemetry;
  const opened = await openLine(config, plan, { role: 'worker', logger, releaser, ledger });
  const line = watchLine(opened, telemetry, releaser);
  for (const warning of line.warnings) logger.warn({ event: 'line warned' }, warning);
  const bare = observeEngine(await createEngine(config, { logger }), metrics);
  releaser.push('the engine', () => bare.close());
  const closed = new AbortController();
  releaser.push('the wait for the engine', () => closed.abort(new Error('the worker is closing')));
  const giveUp = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]);
  const collapse = createErrorCollapser(logger);

  const golden = await findGolden(config, plan.space, logger);
  const { usageCounts, overLong } = plan.engine.profile;
  const mayCut = overLong === 'silently-cut';
  const count = usageCounts === 'nothing' && !mayCut ? undefined : await counter(config);
  const report = await persist(() => preflight(bare, plan.engine, { golden, count, signal: giveUp }), {
    signal: giveUp,
    clock: systemClock,
    onOutage: (error) => collapse(error, 'waiting for the engine'),
  });
  const proof = proofForLine(report, line.info.proof, {
    acceptUnproven: config.SLUICE_ACCEPT_UNPROVEN,
    at: new Date(systemClock.now()).toISOString(),
  });
  if (!sameProof(line.info.proof, proof)) await line.store.recordProof(line.info.collection, proof);
  logger.info({ event: 'engine proven', verdict: report.verdict }, 'preflight');

  const engine = paceEngine(bare, {
    logger,
    maxInFlight: config.SLUICE_IN_FLIGHT,
    maxPaddedTokens: plan.engine.limits.maxPaddedTokens,
    probe: () => checkCanary(bare, report),
  });
  health.depend({ name: 'engine', check: async () => refuseWhileAway(engine) });
  const reason = await line.ledger.paused();
  const worker = runWorker({
    line,
    engine,
    prove: () => checkCanary(engine, report),
    proveAgain: async () => {
      const again = mayCut ? await counter(config) : undefined;
      await proveAgain(engine, plan.engine, { golden, count: again, signal: closed.signal, proof });
    },
    held: reason !== undefined,
    logger,
    telemetry,
    onStep,
    timing,
  });
  health.enter('working');
  if (reason !== undefined) logger.warn({ event: 'line paused', reason }, 'held until `npx sluice resume`');
  releaser.push('the worker', () => {
    health.enter('draining');
    return worker.close();
  });
  return worker;
}

/** The breaker knows; a request of its own would only stand in the way of work. */
function refuseWhileAway({ breaker, where }: PacedEngine): void {
  if (breaker !== 'closed') throw new SluiceError('engine_unreachable', { message: 'The engine is away', where });
}

/** Counts for preflight alone: the model is let go afterwards. */
async function counter(config: Config): Promise<(text: string) => number> {
  const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
  return (text) => tokenizer.count(text);
}
