/** From configuration to what the line will hold: profile, space and limits. Pure, no network. */
import { type Config, SluiceError, type Space } from '@sluice/core';
import { isOrdinaryEncoder, ordinaryEncoder, ordinaryEncoderProblems } from './ordinary-encoder.ts';
import type { Profile } from './profile.ts';
import { profiles } from './profiles.ts';

/** A chunk's usual size; arXiv 2505.21700 and 2601.14123 argue for the low end of what long-context models take. */
const TARGET_TOKENS = 2_048;
const MAX_TOKENS = 4_096;

export interface ResolvedEngine {
  profile: Profile;
  space: Space;
  /** What the engine calls the model. */
  servedModel: string;
  /** Tokens of the passage instruction, whoever adds it: part of every text's total. */
  instructionTokens(count: (text: string) => number): number;
  limits: {
    /** A chunk closes at the first strong boundary after so many tokens. */
    targetTokens: number;
    /** Tokens that a text may have, specials and instruction included. */
    maxTokens: number;
    /** Rows of one request at most, the smaller of the setting and what the engine takes. */
    maxRows: number;
    /** Padded tokens of one request at most. */
    maxPaddedTokens: number;
  };
}

/**
 * The engine for queries: the same one where it serves them, else the one at SLUICE_QUERY_ENGINE_URL, which has the query
 * adapter merged. The space stays the line's. Throws `bad_configuration`, also when there is none.
 */
export function queryConfig(config: Config): { config: Config; roles?: readonly ['query'] } {
  if (config.SLUICE_QUERY_ENGINE_URL !== undefined) {
    const engine = config.SLUICE_QUERY_ENGINE ?? config.SLUICE_ENGINE ?? 'jina';
    return {
      config: { ...config, SLUICE_ENGINE: engine, SLUICE_ENGINE_URL: config.SLUICE_QUERY_ENGINE_URL },
      ...(profiles[engine]?.roles.includes('query') !== true && { roles: ['query'] as const }),
    };
  }
  const { profile } = resolveEngine(config);
  if (profile.roles.includes('query')) return { config };
  throw new SluiceError('bad_configuration', {
    message: `The engine ${profile.name} has one adapter, that of passages: queries need an engine of their own`,
    where: 'SLUICE_QUERY_ENGINE_URL',
    expected: 'the address of an engine with the query adapter merged, or one that takes a task',
    got: 'nothing',
  });
}

/** Throws `bad_configuration` naming every setting that contradicts the profile. */
export function resolveEngine(config: Config): ResolvedEngine {
  const profile = chooseProfile(config);
  const problems = contradictions(config, profile);
  if (problems.length > 0) {
    throw new SluiceError('bad_configuration', {
      message: `The settings do not fit the engine ${profile.name}: ${problems.join('; ')}`,
    });
  }
  const fullDimension = config.SLUICE_FULL_DIMENSION ?? profile.fullDimension;
  return {
    profile,
    servedModel: config.SLUICE_SERVED_MODEL ?? config.SLUICE_MODEL ?? profile.servedModel,
    space: {
      model: config.SLUICE_MODEL ?? profile.model,
      modelRevision: config.SLUICE_MODEL_REVISION ?? profile.modelRevision,
      task: profile.spaceTask,
      instruction: profile.passageInstruction,
      fullDimension,
      storedDimension: config.SLUICE_DIMENSION ?? Math.min(profile.recommendedDimension, fullDimension),
    },
    instructionTokens: (count) => (profile.passageInstruction === '' ? 0 : count(profile.passageInstruction)),
    limits: {
      ...chunkSize(config, profile),
      maxRows: Math.min(config.SLUICE_BATCH_ROWS, profile.maxRows),
      maxPaddedTokens: config.SLUICE_BATCH_TOKENS,
    },
  };
}

/** What is not set follows from the window: a model of 512 tokens gets chunks of 256 to 512. */
function chunkSize(config: Config, profile: Profile): { targetTokens: number; maxTokens: number } {
  const window = profile.presetTokens ?? profile.windowTokens ?? Number.POSITIVE_INFINITY;
  const maxTokens = config.SLUICE_MAX_TOKENS ?? Math.min(MAX_TOKENS, window);
  return { maxTokens, targetTokens: config.SLUICE_TARGET_TOKENS ?? Math.min(TARGET_TOKENS, maxTokens >> 1) };
}

function chooseProfile(config: Config): Profile {
  const name = config.SLUICE_ENGINE ?? (config.SLUICE_ENGINE_URL === undefined ? 'static' : 'jina');
  const profile = profiles[name];
  if (profile === undefined) {
    throw new SluiceError('bad_configuration', {
      message: 'There is no engine profile of this name',
      where: 'SLUICE_ENGINE',
      expected: Object.keys(profiles).join(', '),
      got: JSON.stringify(name),
    });
  }
  const chosen = isOrdinaryEncoder(config) ? ordinaryEncoder(profile, config) : profile;
  return config.SLUICE_WINDOW_TOKENS === undefined ? chosen : { ...chosen, windowTokens: config.SLUICE_WINDOW_TOKENS };
}

function contradictions(config: Config, profile: Profile): string[] {
  const problems = ordinaryEncoderProblems(config, profile);
  const overHttp = profile.path !== undefined;
  if (overHttp && config.SLUICE_ENGINE_URL === undefined)
    problems.push('SLUICE_ENGINE_URL: expected an address, got nothing');
  if (!overHttp && config.SLUICE_ENGINE_URL !== undefined) {
    problems.push('SLUICE_ENGINE_URL: expected nothing, because this engine runs in-process');
  }
  if (config.SLUICE_ENGINE_URL !== undefined && /^https?:\/\/[^/?#]*@/.test(config.SLUICE_ENGINE_URL)) {
    problems.push('SLUICE_ENGINE_URL: expected no user name or password in it; a key goes to SLUICE_ENGINE_API_KEY');
  }
  if (profile.protocol === 'onnx' && config.SLUICE_MODEL_DIR === undefined) {
    problems.push('SLUICE_MODEL_DIR: expected a folder with the exported model, got nothing');
  }
  if (profile.protocol === 'static') {
    // Its table is what it is: under another name its rows would pass for another model's.
    for (const name of ['SLUICE_MODEL', 'SLUICE_MODEL_REVISION', 'SLUICE_FULL_DIMENSION'] as const) {
      if (config[name] !== undefined) problems.push(`${name}: expected nothing, because the model ships with Sluice`);
    }
  }
  const full = config.SLUICE_FULL_DIMENSION ?? profile.fullDimension;
  if (config.SLUICE_DIMENSION !== undefined && config.SLUICE_DIMENSION > full) {
    problems.push(`SLUICE_DIMENSION: expected at most the full dimension ${full}, got ${config.SLUICE_DIMENSION}`);
  }
  const { targetTokens, maxTokens } = chunkSize(config, profile);
  if (profile.windowTokens !== null && maxTokens > profile.windowTokens) {
    problems.push(`SLUICE_MAX_TOKENS: expected at most ${profile.windowTokens}, got ${maxTokens}`);
  }
  if (targetTokens >= maxTokens) {
    problems.push(`SLUICE_TARGET_TOKENS: expected less than SLUICE_MAX_TOKENS (${maxTokens}), got ${targetTokens}`);
  }
  if (maxTokens > config.SLUICE_BATCH_TOKENS) {
    problems.push(
      `SLUICE_BATCH_TOKENS: expected at least SLUICE_MAX_TOKENS (${maxTokens}), got ${config.SLUICE_BATCH_TOKENS}`,
    );
  }
  return problems;
}
