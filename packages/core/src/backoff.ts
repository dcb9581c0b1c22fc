/** Full-jitter exponential backoff: uniform in [0, min(cap, base * 2^n)], never below `floorMs`. */
export interface Backoff {
  /** Milliseconds to wait before the next try; `retryAfterMs` from the other side wins when it is longer. */
  next(retryAfterMs?: number): number;
  reset(): void;
}

export function createBackoff({
  baseMs = 500,
  capMs = 60_000,
  floorMs = 50,
  random = Math.random,
}: {
  baseMs?: number;
  capMs?: number;
  floorMs?: number;
  random?: () => number;
} = {}): Backoff {
  let tries = 0;
  return {
    next(retryAfterMs = 0) {
      const ceiling = Math.min(capMs, baseMs * 2 ** tries);
      tries = Math.min(tries + 1, 30);
      return Math.max(floorMs, retryAfterMs, Math.round(random() * ceiling));
    },
    reset() {
      tries = 0;
    },
  };
}
