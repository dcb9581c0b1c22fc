/**
 * A promise that holds "while a worker runs and its servers answer" is measured by this clock: it stands still as long as anything is
 * away.
 */
export interface ServedClock {
  /** Something is away from now on, until what is returned is called. */
  away(): () => void;
  /** Milliseconds between two moments of `performance.now()` during which nothing was away. */
  servedMs(from: number, to: number): number;
}

export function createServedClock(now: () => number = () => performance.now()): ServedClock {
  const spans: { from: number; to: number }[] = [];

  return {
    away() {
      const span = { from: now(), to: Number.POSITIVE_INFINITY };
      spans.push(span);
      return () => {
        span.to = Math.min(span.to, now());
      };
    },
    servedMs(from, to) {
      let served = 0;
      let at = from;
      for (const span of spans.toSorted((a, b) => a.from - b.from)) {
        served += Math.max(0, Math.min(span.from, to) - at);
        at = Math.max(at, span.to);
      }
      return served + Math.max(0, to - at);
    },
  };
}
