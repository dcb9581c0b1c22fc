/** An engine whose requests are timed, one by one and as they are sent: below whatever paces, waits or repeats. */
import { verdictOf } from '@sluice/core';
import type { Engine, PacedEngine } from '@sluice/embedder';
import type { Metrics } from '@sluice/telemetry';

export function observeEngine(engine: Engine, metrics: Metrics): Engine {
  return {
    profile: engine.profile,
    fullDimension: engine.fullDimension,
    where: engine.where,
    close: () => engine.close(),
    async embed(request) {
      const startedAt = performance.now();
      const ended = (outcome: 'ok' | ReturnType<typeof verdictOf>) =>
        metrics.observe('engine_request_duration_seconds', (performance.now() - startedAt) / 1_000, { outcome });
      try {
        const reply = await engine.embed(request);
        ended('ok');
        return reply;
      } catch (error) {
        if (request.signal?.aborted !== true) ended(verdictOf(error));
        throw error;
      }
    },
  };
}

/** How the engine is paced just now, as gauges. */
export function collectPace(engine: PacedEngine, held: () => number, metrics: Metrics): void {
  metrics.collect(async () => {
    metrics.set('in_flight', engine.inFlight);
    metrics.set('concurrency_limit', engine.concurrency);
    metrics.set('breaker_open', engine.breaker === 'closed' ? 0 : 1);
    metrics.set('held_chunks', held());
    return undefined;
  });
}
