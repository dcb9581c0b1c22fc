/** The null engine over HTTP, for Sluice and for peers alike: it answers at once and its CPU time is nobody's. */
import { silentLogger, systemClock } from '@sluice/core';
import { createModelledEngine, type EngineServer, profiles, serveEngine } from '@sluice/embedder';

export function serveNull(): Promise<EngineServer> {
  const engine = createModelledEngine({
    profile: profiles.modelled!,
    fullDimension: profiles.modelled!.fullDimension,
    model: { tokensPerSecond: Number.POSITIVE_INFINITY, requestMs: 0, maxPaddedTokens: Number.POSITIVE_INFINITY },
    count: () => 1,
    clock: systemClock,
  });
  return serveEngine({ engine: Promise.resolve(engine), model: 'null', port: 0, logger: silentLogger });
}
