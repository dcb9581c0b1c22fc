/**
 * An engine whose vectors are the null engine's and whose time is that of one or more modelled devices behind one address: each request
 * goes to the device that is free first. For tests, benchmarks and capacity planning; `sluice engine --model modelled` serves it.
 */
import { type Clock, type Config, systemClock } from '@sluice/core';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import type { EmbedRequest, Engine } from '../engine.ts';
import { createNullEngine } from '../null-engine.ts';
import type { Profile } from '../profile.ts';
import { profiles } from '../profiles.ts';
import { createDevice, type DeviceModel, type DeviceStatistics } from './device.ts';

export interface ModelledEngine extends Engine {
  /** One entry a device. */
  statistics(): DeviceStatistics[];
}

export interface ModelledEngineOptions {
  profile: Profile;
  fullDimension: number;
  model: DeviceModel;
  /** Default 1. */
  devices?: number;
  /** Total tokens of a text as the model sees it: instruction and specials included. Asked where a request does not say. */
  count(text: string): number;
  clock: Clock;
}

export function createModelledEngine(options: ModelledEngineOptions): ModelledEngine {
  const { profile, fullDimension, model, devices: howMany = 1, count, clock } = options;
  const devices = Array.from({ length: howMany }, () => createDevice(model, clock));
  const vectorsOnly = createNullEngine({ profile, fullDimension });
  return {
    ...vectorsOnly,
    async embed(request: EmbedRequest) {
      const { texts, tokens, signal } = request;
      signal?.throwIfAborted();
      const lengths = texts.map((text, index) => tokens[index] || count(text));
      const first = devices.reduce((best, device) => (device.freeAtMs < best.freeAtMs ? device : best));
      await first.run(lengths);
      const { vectors } = await vectorsOnly.embed(request);
      return { vectors, usageTokens: lengths.reduce((sum, length) => sum + length, 0) };
    },
    statistics: () => devices.map((device) => device.statistics()),
  };
}

/** The engine of `sluice engine --model modelled`: tokens are counted by the line's tokenizer, the instruction included. */
export async function openModelledEngine(
  config: Config,
  { model, devices }: Pick<ModelledEngineOptions, 'model' | 'devices'>,
): Promise<ModelledEngine> {
  const profile = profiles.modelled!;
  const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
  const around = tokenizer.specialTokens + tokenizer.count(profile.passageInstruction);
  return createModelledEngine({
    profile,
    fullDimension: config.SLUICE_FULL_DIMENSION ?? profile.fullDimension,
    model,
    ...(devices !== undefined && { devices }),
    count: (text) => tokenizer.count(text) + around,
    clock: systemClock,
  });
}
