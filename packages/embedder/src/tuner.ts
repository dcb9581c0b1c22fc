/**
 * Finds by measuring how many requests an engine needs under way, and how large they should be, to give the most useful tokens
 * a second. What it measures are *windows*: some requests in a row during which as many were under way as it asked for
 * (otherwise it is the supply that was measured, and the window is thrown away).
 *
 * - *In flight.* Two requests of half the size go alone, while other devices are idle, and give the engine's rate alone. The rate with more, divided by it, is how many requests
 *   the engine works on at once; twice that are asked for: one on each device, one ready for each. A device that joins or
 *   leaves behind the same address shows in the next window.
 * - *Size.* The ceiling is the user's: above it a real device may run out of memory and not survive it. Now and then a window
 *   is spent on half or twice the present size, between two windows of the present one, and the size moves only when the
 *   middle one was better than both by 2 %. Trials that change nothing become rare.
 */
import type { Clock } from '@sluice/core';

export interface Tuner {
  /** Requests that should be under way. */
  readonly inFlight: number;
  /** Padded tokens that a request should have at most. */
  readonly maxPaddedTokens: number;
  /** To be called when a request leaves; the returned function when it ends. A failure spoils the window. */
  begin(request: { paddedTokens: number; usefulTokens: number }): (ended: 'done' | 'failed') => void;
  /** The engine takes no more than this: the ceiling is lowered for good. */
  limit(maxPaddedTokens: number): void;
  /** Larger requests were not answered in time: no more for now, but a quarter of the ceiling. The next trials may find that it was not their size. */
  shrink(maxPaddedTokens: number): void;
}

export interface TunerOptions {
  /** Requests under way at most. */
  maxInFlight: number;
  /** Padded tokens of a request at most. */
  maxPaddedTokens: number;
  clock: Clock;
}

/** Requests that go alone; the faster one counts. */
const ALONE_REQUESTS = 2;
/** Requests of a window, per request in flight. */
const REQUESTS_PER_SLOT = 6;
/** Share of a window during which all slots must have been taken. */
const SATURATED = 0.8;
/** Their share of the present size: with one of two devices idle, 0.2 s of each. The rate is rounded to whole devices, so this is near enough. */
const ALONE_SHARE = 1 / 2;
/** The rate alone is measured again after so many windows, or when requests are larger than those that went alone by this factor. */
const ALONE_EVERY = 128;
const ALONE_GROWTH = 4;
/** A size must be better by this factor to be kept. */
const BETTER = 1.02;
/** Halvings of the ceiling that are tried. */
const SMALLEST = 1 / 4;
/** Windows between trials of a size, at first and at most. */
const FIRST_PATIENCE = 4;
const MOST_PATIENCE = 64;

interface Window {
  since: number;
  requests: number;
  paddedTokens: number;
  usefulTokens: number;
  /** Time with every slot taken. */
  saturatedMs: number;
}

export function createTuner({ maxInFlight, maxPaddedTokens: configured, clock }: TunerOptions): Tuner {
  let inFlight = 1;
  let active = 0;
  /** Requests that left under earlier settings are no part of a window. */
  let generation = 0;
  let window: Window | undefined;
  let changedAt = clock.monotonicMs();

  /** Of the requests that went alone: padded tokens a millisecond, and how large they were. */
  let alone: { rate: number; paddedTokens: number; requests: number } | undefined;
  let sinceAlone = 0;

  let ceiling = configured;
  let size = configured;
  let trial: { size: number; before: number; during?: number } | undefined;
  let patience = FIRST_PATIENCE;
  let untilTrial = FIRST_PATIENCE;
  let smallerNext = true;

  function use(next: { inFlight?: number; size?: number }): void {
    inFlight = next.inFlight ?? inFlight;
    size = next.size ?? size;
    generation += 1;
    window = undefined;
  }

  /** Adds the time since the last change to the window, if all slots were taken. */
  function account(): void {
    const now = clock.monotonicMs();
    if (window !== undefined && active >= inFlight) window.saturatedMs += now - changedAt;
    changedAt = now;
  }

  function completed({ paddedTokens, usefulTokens }: { paddedTokens: number; usefulTokens: number }): void {
    const now = clock.monotonicMs();
    // A window begins and ends with the end of a request, so that whole requests are counted.
    if (window === undefined) {
      window = { since: now, requests: 0, paddedTokens: 0, usefulTokens: 0, saturatedMs: 0 };
      return;
    }
    window.requests += 1;
    window.paddedTokens += paddedTokens;
    window.usefulTokens += usefulTokens;
    if (window.requests < REQUESTS_PER_SLOT * inFlight) return;
    const measured = window;
    window = { since: now, requests: 0, paddedTokens: 0, usefulTokens: 0, saturatedMs: 0 };
    const elapsedMs = now - measured.since;
    if (elapsedMs > 0 && measured.saturatedMs >= SATURATED * elapsedMs) learn(measured, elapsedMs);
  }

  function wentAlone(paddedTokens: number, elapsedMs: number): void {
    const rate = elapsedMs > 0 ? paddedTokens / elapsedMs : 0;
    if (alone === undefined || rate > alone.rate) alone = { rate, paddedTokens, requests: alone?.requests ?? 0 };
    alone.requests += 1;
    if (alone.requests < ALONE_REQUESTS) return;
    sinceAlone = 0;
    use({ inFlight: Math.min(2, maxInFlight) });
  }

  function learn({ requests, paddedTokens, usefulTokens }: Window, elapsedMs: number): void {
    if (trial === undefined) {
      sinceAlone += 1;
      const wanted = wantedInFlight(paddedTokens / elapsedMs, paddedTokens / requests);
      if (wanted !== inFlight) {
        if (wanted === 1) alone = undefined;
        use({ inFlight: wanted });
        return;
      }
    }
    trySize(usefulTokens / elapsedMs);
  }

  /** 1: the rate alone has to be measured again. */
  function wantedInFlight(rate: number, meanTokens: number): number {
    if (maxInFlight === 1) return 1;
    if (alone === undefined || sinceAlone >= ALONE_EVERY || meanTokens > ALONE_GROWTH * alone.paddedTokens) return 1;
    const atOnce = alone.rate === 0 ? 1 : Math.max(1, Math.round(rate / alone.rate));
    return Math.min(maxInFlight, 2 * Math.min(inFlight, atOnce));
  }

  /** `useful`: useful tokens a millisecond of the window that has just ended. */
  function trySize(useful: number): void {
    if (trial === undefined) {
      untilTrial -= 1;
      if (untilTrial > 0) return;
      const other = neighbour();
      if (other === undefined) return;
      trial = { size, before: useful };
      use({ size: other });
    } else if (trial.during === undefined) {
      const tried = size;
      const before = trial.size;
      trial = { ...trial, size: tried, during: useful };
      use({ size: before });
    } else {
      const { size: tried, before, during } = trial;
      const better = during > BETTER * Math.max(before, useful);
      patience = better ? FIRST_PATIENCE : Math.min(MOST_PATIENCE, 2 * patience);
      untilTrial = patience;
      trial = undefined;
      if (better) use({ size: tried });
    }
  }

  /** Half or twice the present size, in turn, where there is one. */
  function neighbour(): number | undefined {
    smallerNext = !smallerNext;
    const choices = [size * 2, size / 2].filter((other) => other <= ceiling && other >= ceiling * SMALLEST);
    return choices.length === 2 ? choices[smallerNext ? 1 : 0] : choices[0];
  }

  return {
    get inFlight() {
      return inFlight;
    },
    get maxPaddedTokens() {
      return inFlight === 1 && maxInFlight > 1 ? Math.ceil(size * ALONE_SHARE) : size;
    },
    begin(request) {
      account();
      const begunAt = changedAt;
      const lone = active === 0 && inFlight === 1;
      active += 1;
      const born = generation;
      return (ended) => {
        account();
        active -= 1;
        if (ended === 'failed') use({});
        else if (born !== generation) return;
        else if (lone && maxInFlight > 1) wentAlone(request.paddedTokens, changedAt - begunAt);
        else completed(request);
      };
    },
    limit(maxPaddedTokens) {
      ceiling = Math.min(ceiling, maxPaddedTokens);
      trial = undefined;
      use({ size: Math.min(size, ceiling) });
    },
    shrink(maxPaddedTokens) {
      trial = undefined;
      patience = FIRST_PATIENCE;
      untilTrial = FIRST_PATIENCE;
      // Below the smallest that is tried no trial would lead back.
      use({ size: Math.min(size, Math.max(ceiling * SMALLEST, maxPaddedTokens)) });
    },
  };
}
