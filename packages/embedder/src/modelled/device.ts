/**
 * The service time of one GPU, without the GPU: requests run one after another, each for `padded tokens ÷ tokensPerSecond +
 * requestMs`, and one above `maxPaddedTokens` is out of memory. It keeps a schedule instead of adding up timers, so that a
 * late timer costs the caller a millisecond and the device nothing.
 */
import { type Clock, SluiceError } from '@sluice/core';

export interface DeviceModel {
  /** Padded tokens a second, when it computes. */
  tokensPerSecond: number;
  /** Fixed part of a request, in milliseconds: kernels, copies, the reply. */
  requestMs: number;
  /** Padded tokens of a request at most; more is out of memory. */
  maxPaddedTokens: number;
}

/**
 * jina-embeddings-v3 on an RTX 3090 at 2,048–4,096 tokens: 35–55 % of what its 71 TFLOP/s at fp16 bound (70,500–88,200 tokens/s)
 * are 25,000–48,000 tokens/s, whose middle this is. No public measurement exists; `sluice bench engine` measures yours.
 */
export const RTX_3090: DeviceModel = { tokensPerSecond: 40_000, requestMs: 8, maxPaddedTokens: 65_536 };

export interface DeviceStatistics {
  requests: number;
  /** Requests that were out of memory. */
  refused: number;
  usefulTokens: number;
  paddedTokens: number;
  /** Time spent computing. */
  busyMs: number;
  /** Monotonic time at which the first request started, and at which the last one ends; equal before the first. */
  firstStartMs: number;
  lastEndMs: number;
}

export interface Device {
  /** When everything accepted so far is done; in the past when idle. */
  readonly freeAtMs: number;
  /** Resolves when a request with these lengths (tokens of each text) is done. Throws `engine_too_large`. */
  run(tokens: readonly number[]): Promise<void>;
  statistics(): DeviceStatistics;
}

export function createDevice({ tokensPerSecond, requestMs, maxPaddedTokens }: DeviceModel, clock: Clock): Device {
  const seen: DeviceStatistics = {
    requests: 0,
    refused: 0,
    usefulTokens: 0,
    paddedTokens: 0,
    busyMs: 0,
    firstStartMs: 0,
    lastEndMs: 0,
  };

  return {
    get freeAtMs() {
      return seen.lastEndMs;
    },
    async run(tokens) {
      let longest = 0;
      let useful = 0;
      for (const count of tokens) {
        longest = Math.max(longest, count);
        useful += count;
      }
      const padded = longest * tokens.length;
      if (padded > maxPaddedTokens) {
        seen.refused += 1;
        throw new SluiceError('engine_too_large', {
          message: 'The modelled device is out of memory',
          expected: `at most ${maxPaddedTokens} padded tokens`,
          got: String(padded),
        });
      }
      const startMs = Math.max(clock.monotonicMs(), seen.lastEndMs);
      const serviceMs = (padded / tokensPerSecond) * 1_000 + requestMs;
      if (seen.requests === 0) seen.firstStartMs = startMs;
      seen.requests += 1;
      seen.usefulTokens += useful;
      seen.paddedTokens += padded;
      seen.busyMs += serviceMs;
      seen.lastEndMs = startMs + serviceMs;
      // A device faster than this code has ended before it is waited for.
      await clock.sleep(Math.max(0, seen.lastEndMs - clock.monotonicMs()));
    },
    statistics: () => ({ ...seen }),
  };
}
