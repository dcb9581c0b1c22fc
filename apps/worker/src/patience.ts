/** A clock whose sleepers can be woken: who waits for a server that is known to be back need not wait out a minute. */
import type { Clock } from '@sluice/core';

export interface Patience {
  clock: Clock;
  /** Everyone who sleeps now goes on. */
  wake(): void;
}

export function createPatience(clock: Clock): Patience {
  const sleepers = new Set<AbortController>();
  return {
    clock: {
      ...clock,
      async sleep(ms, signal) {
        const woken = new AbortController();
        sleepers.add(woken);
        await clock.sleep(ms, signal === undefined ? woken.signal : AbortSignal.any([signal, woken.signal]));
        sleepers.delete(woken);
      },
    },
    wake() {
      for (const sleeper of sleepers) sleeper.abort();
    },
  };
}
