/**
 * The engine that answers queries, proved before the first one: an engine with the passage adapter merged, or one that adds no instruction,
 * answers them all the same, and the search is bad without a word.
 *
 * Where it is the line's own engine, and a worker has proved that for every role, nothing is asked again: workers go on proving it. Another
 * one is asked for a few short texts, as queries alone; whoever keeps it keeps the proof.
 */
import type { Config, Logger } from '@sluice/core';
import {
  createQueryEngine,
  type Engine,
  findGolden,
  preflight,
  queryConfig,
  refuseUnlessRight,
  resolveEngine,
} from '@sluice/embedder';
import type { Line } from './open-line.ts';

/** Throws what `createQueryEngine` throws, outages, and the refusal of an engine that is not proved right for queries. */
export async function openQueryEngine(
  { info }: { info: Pick<Line['info'], 'proof'> },
  { config, logger, signal }: { config: Config; logger: Logger; signal?: AbortSignal },
): Promise<Engine> {
  const engine = await createQueryEngine(config, { logger });
  try {
    const known = info.proof;
    const own = config.SLUICE_QUERY_ENGINE_URL === undefined;
    const proved =
      own &&
      known?.verdict === 'right' &&
      known.engine.where === engine.where &&
      known.engine.profile === engine.profile.name;
    if (proved) return engine;
    const resolved = resolveEngine(queryConfig(config).config);
    const golden = await findGolden(config, resolved.space, logger);
    const forQueries: Engine = { ...engine, profile: { ...engine.profile, roles: ['query'] } };
    const report = await preflight(forQueries, resolved, { golden, overLong: false, signal });
    // What a person accepted for the line's rows holds for what looks for them.
    const accepted = config.SLUICE_ACCEPT_UNPROVEN || known?.verdict === 'unproven';
    refuseUnlessRight(report, { acceptUnproven: accepted });
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
