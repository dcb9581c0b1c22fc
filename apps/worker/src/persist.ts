/** Repeats an operation through outages of its server: verdict `retry` and `unknown` wait, anything else is thrown. */
import { type Clock, createBackoff, isSluiceError, verdictOf } from '@sluice/core';

export interface PersistOptions {
  signal: AbortSignal;
  clock: Clock;
  onOutage(error: unknown, waitMs: number): void;
}

export async function persist<T>(operation: () => Promise<T>, { signal, clock, onOutage }: PersistOptions): Promise<T> {
  const backoff = createBackoff();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict !== 'retry' && verdict !== 'unknown') throw error;
      const waitMs = backoff.next(isSluiceError(error) ? error.retryAfterMs : undefined);
      onOutage(error, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
