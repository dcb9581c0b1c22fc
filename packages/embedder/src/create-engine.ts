/** The engine that the configuration asks for, ready to embed. */
import { type Clock, type Config, type Logger, systemClock } from '@sluice/core';
import type { Dispatcher } from 'undici';
import type { Engine } from './engine.ts';
import { createHttpEngine } from './http/http-engine.ts';
import { createNullEngine } from './null-engine.ts';
import { createOnnxEngine } from './onnx/onnx-engine.ts';
import type { Profile } from './profile.ts';
import { queryConfig, type ResolvedEngine, resolveEngine } from './resolve-engine.ts';
import { createStaticEngine } from './static-engine.ts';

export interface EngineOptions {
  logger: Logger;
  clock?: Clock;
  /** Instead of a connection pool of our own, for proxies and tests. */
  dispatcher?: Dispatcher;
}

/** Throws `bad_configuration`. Loads what runs in-process; sends nothing: whether the engine is right, preflight says. */
export async function createEngine(config: Config, options: EngineOptions): Promise<Engine> {
  return build(config, resolveEngine(config), options);
}

/**
 * The engine for queries, which may be another one (SLUICE_QUERY_ENGINE_URL). Throws `bad_configuration` when the engine of
 * the line serves passages only and no other is named.
 */
export async function createQueryEngine(config: Config, options: EngineOptions): Promise<Engine> {
  const { config: forQueries, roles } = queryConfig(config);
  const resolved = resolveEngine(forQueries);
  const profile: Profile = roles === undefined ? resolved.profile : { ...resolved.profile, roles };
  return build(forQueries, { ...resolved, profile }, options);
}

async function build(
  config: Config,
  { profile, servedModel, space: { fullDimension } }: ResolvedEngine,
  { logger, clock = systemClock, dispatcher }: EngineOptions,
): Promise<Engine> {
  const perTokenMs = config.SLUICE_ENGINE_MS_PER_TOKEN ?? profile.deadline.perTokenMs;
  switch (profile.protocol) {
    case 'static':
      return createStaticEngine({ profile });
    case 'null':
      return createNullEngine({ profile, fullDimension });
    case 'onnx':
      return createOnnxEngine({
        profile,
        // resolveEngine has refused this profile without a folder.
        modelDir: config.SLUICE_MODEL_DIR!,
        tokenizer: config.SLUICE_TOKENIZER,
        fullDimension,
        device: config.SLUICE_ENGINE_DEVICE,
        logger,
      });
    case 'jina':
    case 'openai':
    case 'tei':
      return createHttpEngine({
        profile,
        // resolveEngine has refused an HTTP profile without an address.
        url: config.SLUICE_ENGINE_URL!,
        apiKey: config.SLUICE_ENGINE_API_KEY,
        servedModel,
        fullDimension,
        logger,
        deadline: { ...profile.deadline, perTokenMs },
        clock,
        dispatcher,
      });
  }
}
