/** The engine that the configuration asks for, ready to embed. */
import { type Clock, type Config, type Logger, systemClock } from '@sluice/core';
import type { Dispatcher } from 'undici';
import type { Engine } from './engine.ts';
import { createHttpEngine } from './http/http-engine.ts';
import { createNullEngine } from './null-engine.ts';
import { resolveEngine } from './resolve-engine.ts';
import { createStaticEngine } from './static-engine.ts';

export interface EngineOptions {
  logger: Logger;
  clock?: Clock;
  /** Instead of a connection pool of our own, for proxies and tests. */
  dispatcher?: Dispatcher;
}

/** Throws `bad_configuration`. Loads what runs in-process; sends nothing: whether the engine is right, preflight says. */
export async function createEngine(
  config: Config,
  { logger, clock = systemClock, dispatcher }: EngineOptions,
): Promise<Engine> {
  const { profile, servedModel, space } = resolveEngine(config);
  switch (profile.protocol) {
    case 'static':
      return createStaticEngine({ profile });
    case 'null':
      return createNullEngine({ profile, fullDimension: space.fullDimension });
    default:
      return createHttpEngine({
        profile,
        // resolveEngine has refused an HTTP profile without an address.
        url: config.SLUICE_ENGINE_URL!,
        apiKey: config.SLUICE_ENGINE_API_KEY,
        servedModel,
        fullDimension: space.fullDimension,
        logger,
        clock,
        dispatcher,
      });
  }
}
