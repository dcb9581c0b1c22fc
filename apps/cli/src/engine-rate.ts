/** How fast the engine is, for a forecast: as it was said, or measured in a few requests of two sizes; undefined when neither. */
import { createEngine, type EngineRate, measureEngine, resolveEngine } from '@sluice/embedder';
import type { Context } from './context.ts';
import { passageCounter } from './passage-counter.ts';

export async function engineRate(
  { config, logger, releaser, signal }: Pick<Context, 'config' | 'logger' | 'releaser' | 'signal'>,
  {
    tokensPerSecond,
    requestMs,
    calibrate,
    targetTokens,
  }: {
    tokensPerSecond: number | undefined;
    requestMs: number;
    calibrate: boolean | undefined;
    targetTokens: number;
  },
): Promise<EngineRate | undefined> {
  if (tokensPerSecond !== undefined) return { tokensPerSecond, requestMs };
  if (calibrate !== true) return undefined;
  const engine = await createEngine(config, { logger });
  releaser.push('the engine', () => engine.close());
  const { rate } = await measureEngine(engine, {
    count: await passageCounter(config),
    lengths: [targetTokens],
    sizes: [targetTokens, config.SLUICE_BATCH_TOKENS],
    maxRows: resolveEngine(config).limits.maxRows,
    repeats: 2,
    inFlight: [],
    signal,
  });
  return rate;
}
