/**
 * Everything opened is pushed here and closed in reverse order. Closing is idempotent (every caller gets the same promise)
 * and has a deadline; one release that throws does not keep the others from running.
 */
import { type Clock, systemClock } from './clock.ts';

export interface Releaser {
  /** Registers how to release `what`; returns the value for chaining. After `release` has begun, releases at once. */
  push(what: string, release: () => unknown): void;
  /** Releases everything, newest first. Rejects with an AggregateError after all have run. */
  release(): Promise<void>;
  readonly released: boolean;
}

export function createReleaser({
  deadlineMs = 15_000,
  clock = systemClock,
}: {
  deadlineMs?: number;
  clock?: Clock;
} = {}): Releaser {
  const stack: { what: string; release: () => unknown }[] = [];
  let running: Promise<void> | undefined;

  async function runAll(): Promise<void> {
    const failures: Error[] = [];
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const { what, release } = entry;
      const timeout = new AbortController();
      try {
        await Promise.race([
          (async () => release())(),
          clock.sleep(deadlineMs, timeout.signal).then(() => {
            if (!timeout.signal.aborted) throw new Error(`not closed within ${deadlineMs} ms`);
          }),
        ]);
      } catch (error) {
        failures.push(new Error(`closing ${what} failed`, { cause: error }));
      } finally {
        timeout.abort();
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join(', '));
  }

  return {
    push(what, release) {
      stack.push({ what, release });
      if (running !== undefined) running = running.then(runAll, runAll);
    },
    release() {
      running ??= runAll();
      return running;
    },
    get released() {
      return running !== undefined;
    },
  };
}
