/**
 * One pace for all callers of an engine in a process: how many requests at a time, how large, and none while it is away.
 *
 * - *Concurrency* and *working size* are what gives the most useful tokens a second, found by measuring (see the tuner).
 * - Concurrency is halved when the engine says it is busy or does not answer in time, once for all requests that were under way together,
 *   and grows by one for every quiet period.
 * - What was not answered in time is halved; the tuner may let it grow again.
 * - What was too large is halved and remembered; it never grows back: on a real device the next try costs an out-of-memory
 *   error, which some engines do not survive. A single row that is too large says nothing about it.
 * - *Outages* in a row open a breaker whose probe is a known text.
 *
 * `embed` still sends a request once: splitting, waiting and repeating are the caller's.
 */
import { type Clock, createBackoff, isSluiceError, type Logger, systemClock } from '@sluice/core';
import { paddedTokens } from './batch-planner.ts';
import { createBreaker } from './breaker.ts';
import type { EmbedReply, EmbedRequest, Engine } from './engine.ts';
import { CANARY } from './preflight/behaviour.ts';
import { createTuner } from './tuner.ts';

export interface PacedEngine extends Engine {
  /** What a request may have just now; to be given to the batch planner's `take`. */
  readonly workingSize: { maxPaddedTokens: number };
  /** Requests that should be under way just now, to keep the engine busy; never more than allowed. */
  readonly concurrency: number;
  /** Requests that may be under way just now; more wait here. */
  readonly allowed: number;
  /** Requests under way. */
  readonly inFlight: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Resolves when the engine is there; where it was away the known text is sent now, unless the engine named a time. Throws the outage. */
  ask(): Promise<void>;
}

export interface PaceOptions {
  logger: Logger;
  /** Requests under way at most, in quiet times. */
  maxInFlight: number;
  /** Padded tokens of a request at most, as configured. */
  maxPaddedTokens: number;
  /** How long an engine must not have been busy before it gets one more request at a time. Default 10,000 ms. */
  quietMs?: number;
  /** Outages in a row that open the breaker. Default 3. */
  outages?: number;
  /**
   * Sends a known text to see whether the engine is back; throws an outage when it is not, and anything else for the callers to
   * hear. Default: the canary is embedded. Better: `checkCanary` with the report of preflight, which also notices that what came
   * back is another model.
   */
  probe?: () => Promise<unknown>;
  clock?: Clock;
  random?: () => number;
}

export function paceEngine(engine: Engine, options: PaceOptions): PacedEngine {
  const { logger, maxInFlight, quietMs = 10_000, outages = 3, clock = systemClock, random = Math.random } = options;
  const { probe = () => engine.embed({ texts: [CANARY], tokens: [64], role: 'passage' }) } = options;
  let allowed = maxInFlight;
  let inFlight = 0;
  let quietSinceMs = clock.monotonicMs();
  /** How often concurrency was halved: requests from before the last time tell of the same event. */
  let cuts = 0;
  let maxPaddedTokens = options.maxPaddedTokens;
  const tuner = createTuner({ maxInFlight, maxPaddedTokens, clock });
  const queue: (() => void)[] = [];
  const breaker = createBreaker({
    clock,
    backoff: createBackoff({ random }),
    threshold: outages,
    probe: async () => {
      await probe();
      logger.info({ where: engine.where }, 'the engine is back');
    },
  });

  async function embed(request: EmbedRequest): Promise<EmbedReply> {
    await breaker.admit();
    await slot(request.signal);
    const begunAfter = cuts;
    const ended = tuner.begin({
      paddedTokens: paddedTokens(request.tokens),
      usefulTokens: request.tokens.reduce((sum, tokens) => sum + tokens, 0),
    });
    try {
      const reply = await engine.embed(request);
      ended('done');
      breaker.succeeded();
      if (allowed < maxInFlight && clock.monotonicMs() - quietSinceMs >= quietMs) {
        allowed += 1;
        quietSinceMs = clock.monotonicMs();
      }
      return reply;
    } catch (error) {
      ended('failed');
      if (isSluiceError(error)) learn(error.code, request, begunAfter);
      if (isSluiceError(error) && error.verdict === 'retry') {
        if (breaker.failed(error)) logger.warn({ err: error }, 'the engine is away: requests pause');
      } else if (isSluiceError(error)) breaker.succeeded(); // it answered
      throw error;
    } finally {
      inFlight -= 1;
      wake();
    }
  }

  function learn(code: string, { texts, tokens }: EmbedRequest, begunAfter: number): void {
    if ((code === 'engine_busy' || code === 'engine_timeout') && begunAfter === cuts) {
      cuts += 1;
      quietSinceMs = clock.monotonicMs();
      allowed = Math.max(1, Math.floor(Math.min(allowed, inFlight) / 2));
      if (code === 'engine_timeout' && texts.length > 1) tuner.shrink(Math.floor(paddedTokens(tokens) / 2));
    }
    if ((code === 'engine_too_large' || code === 'engine_out_of_memory') && texts.length > 1) {
      const smaller = Math.max(1, Math.floor(paddedTokens(tokens) / 2));
      if (smaller >= maxPaddedTokens) return;
      maxPaddedTokens = smaller;
      tuner.limit(smaller);
      logger.warn(
        { where: engine.where, maxPaddedTokens },
        'the engine takes less than configured: working size halved',
      );
    }
  }

  /** Resolves when a request may start; it counts as under way from then on. First come, first served. */
  async function slot(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (inFlight < allowed && queue.length === 0) {
      inFlight += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const start = () => {
      signal?.removeEventListener('abort', giveUp);
      inFlight += 1;
      resolve();
    };
    const giveUp = () => {
      queue.splice(queue.indexOf(start), 1);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    queue.push(start);
    return promise;
  }

  function wake(): void {
    while (inFlight < allowed && queue.length > 0) queue.shift()!();
  }

  return {
    profile: engine.profile,
    fullDimension: engine.fullDimension,
    where: engine.where,
    embed,
    close: () => engine.close(),
    get workingSize() {
      return { maxPaddedTokens: tuner.maxPaddedTokens };
    },
    get concurrency() {
      return Math.min(allowed, tuner.inFlight);
    },
    get allowed() {
      return allowed;
    },
    get inFlight() {
      return inFlight;
    },
    get breaker() {
      return breaker.state;
    },
    ask: () => breaker.ask(),
  };
}
