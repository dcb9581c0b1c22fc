/** Repeats an operation through outages of its server: verdict `retry` and `unknown` wait, anything else is thrown. */
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { isSluiceError, verdictOf } from './errors.ts';

export interface PersistOptions {
  /** Ends the waiting: its reason is thrown. */
  signal: AbortSignal;
  clock: Clock;
  onOutage(error: unknown, waitMs: number): void;
  /** How often a failure that nobody understands is tried before it is thrown. Default: as long as it takes. */
  unknownTries?: number;
  /** Longest wait between two tries. Default 60 s. */
  capMs?: number;
}

export async function persist<T>(
  operation: () => Promise<T>,
  { signal, clock, onOutage, unknownTries = Number.POSITIVE_INFINITY, capMs }: PersistOptions,
): Promise<T> {
  const backoff = createBackoff(capMs === undefined ? {} : { capMs });
  for (let unknown = 0; ; ) {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict === 'unknown') unknown += 1;
      if ((verdict !== 'retry' && verdict !== 'unknown') || unknown >= unknownTries) throw error;
      const waitMs = backoff.next(isSluiceError(error) ? error.retryAfterMs : undefined);
      onOutage(error, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
