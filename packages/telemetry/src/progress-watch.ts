/**
 * Notices "backlog and no completion": work lies before this process, nothing holds it up that would be its reason, and still
 * nothing was finished for `stallMs`. It asks nobody: what it knows it was told.
 */
import { type Clock, systemClock } from '@sluice/core';

export interface ProgressWatch {
  /** A piece of work was finished, with whatever outcome. */
  finished(): void;
  /** What lies before the process, told again every few seconds. `excused`: paused, or a dependency is away. */
  told(state: { work: number; excused: boolean }): void;
  /** One sentence, or undefined while all is well. */
  stuck(): string | undefined;
}

/** What was told longer ago says nothing any more: whoever tells is cut off, and that is an outage. */
const KNOWN_MS = 30_000;

/** `of`: what the pieces of work are called. */
export function createProgressWatch({
  stallMs,
  of = 'chunks',
  clock = systemClock,
}: {
  stallMs: number;
  of?: string;
  clock?: Clock;
}): ProgressWatch {
  let state = { work: 0, excused: true };
  let toldAt = Number.NEGATIVE_INFINITY;
  /** Since when there has been work, no excuse and no completion. */
  let since: number | undefined;

  return {
    finished() {
      if (since !== undefined) since = clock.monotonicMs();
    },
    told(now) {
      state = now;
      toldAt = clock.monotonicMs();
      if (state.work === 0 || state.excused) since = undefined;
      else since ??= toldAt;
    },
    stuck() {
      const now = clock.monotonicMs();
      if (since === undefined || now - toldAt > KNOWN_MS || now - since < stallMs) return undefined;
      return `${state.work} ${of} wait and none was finished for ${Math.round((now - since) / 1_000)} s`;
    },
  };
}
