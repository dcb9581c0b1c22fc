/**
 * Settlement: drains the ledger's two sets, so that a process that dies anywhere leaves nothing behind. **settling**: a
 * committed revision is whole, rows older than it go, then it is recorded as settled (if it is still current).
 * **cleaning**: rows of revisions that are neither whole nor current go. Deletes are grouped, because one costs a time
 * tick of Milvus (0.2 s) however small it is. Everything here is harmless twice.
 */
import { type Clock, type Logger, persist, revisionKey } from '@sluice/core';
import type { Ledger } from '@sluice/queue';
import type { OnWorkerStep } from './steps.ts';

const GROUP = 64;

export interface Settler {
  /** There is probably something to settle: look now rather than at the next interval. */
  wake(): void;
  /** Stops after the group at hand. */
  stop(): Promise<void>;
}

export interface SettlerOptions {
  ledger: Ledger;
  deleteRanges(ranges: { from: string; to: string }[]): Promise<void>;
  logger: Logger;
  clock: Clock;
  onOutage(error: unknown, waitMs: number): void;
  /** A verdict other than an outage: the line stops. */
  onStop(error: unknown): void;
  intervalMs?: number;
  onStep?: OnWorkerStep | undefined;
}

export function startSettler({
  ledger,
  deleteRanges,
  logger,
  clock,
  onOutage,
  onStop,
  intervalMs = 500,
  onStep,
}: SettlerOptions): Settler {
  const stopping = new AbortController();
  let nap = new AbortController();

  const running = (async () => {
    while (!stopping.signal.aborted) {
      nap = new AbortController();
      const worked = await persist(drainOnce, { signal: stopping.signal, clock, onOutage });
      if (worked > 0) continue;
      await clock.sleep(intervalMs, AbortSignal.any([nap.signal, stopping.signal]));
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) onStop(error);
  });

  async function drainOnce(): Promise<number> {
    const settling = await ledger.takeSettling(GROUP);
    if (settling.length > 0) {
      await onStep?.('before deleting older rows', []);
      await deleteRanges(settling.map(({ key, revision }) => ({ from: key, to: revisionKey(key, revision) })));
      await onStep?.('before settled', []);
      const done = await ledger.settled(settling);
      logger.info({ event: 'documents settled', documents: done.filter(Boolean).length }, 'settled');
    }
    const cleaning = await ledger.takeCleaning(GROUP);
    if (cleaning.length > 0) {
      await deleteRanges(
        cleaning.map(({ key, revision }) => ({
          from: revisionKey(key, revision),
          to: `${revisionKey(key, revision)}g`,
        })),
      );
      await ledger.cleaned(cleaning);
    }
    return settling.length + cleaning.length;
  }

  return {
    wake: () => nap.abort(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
