/**
 * Housekeeping that any worker may do, harmless twice: what Milvus may have forgotten to delete is deleted again (deletions.ts), rows
 * that a lost worker may have written and nobody wants are deleted
 * (and once more an hour later), revisions that a dead producer left prepared are given up with their jobs, chunks whose
 * retry was cut short are added again, and what is a day old and of no use is forgotten.
 */
import { type Clock, chunkId, type Logger, persist } from '@sluice/core';
import type { Line } from '@sluice/line';
import type { Deletions } from './deletions.ts';
import type { OnWorkerStep } from './steps.ts';

export interface HousekeeperOptions {
  line: Pick<Line, 'ledger' | 'queue'>;
  deletions: Pick<Deletions, 'keys' | 'repeat'>;
  logger: Logger;
  clock: Clock;
  intervalMs?: number;
  onOutage(error: unknown, waitMs: number): void;
  onStop(error: unknown): void;
  onStep?: OnWorkerStep | undefined;
}

const FORGET_EVERY_MS = 3_600_000;

/** Returns how to stop it. */
export function startHousekeeper({
  line,
  deletions,
  logger,
  clock,
  intervalMs = 15_000,
  onOutage,
  onStop,
  onStep,
}: HousekeeperOptions): () => Promise<void> {
  const { ledger, queue } = line;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function sweep(): Promise<void> {
    const lost = await ledger.takeSweep();
    if (lost.length === 0) return;
    const ids = lost.map(({ key, revision, ordinal }) => chunkId(key, revision, ordinal));
    await onStep?.('before sweeping', ids);
    await deletions.keys(ids);
    await ledger.swept(lost);
    logger.info({ event: 'intents swept', keys: lost.length }, 'swept what a lost worker may have written');
  }

  async function abandon(): Promise<void> {
    const abandoned = await ledger.abandonStale();
    if (abandoned.length === 0) return;
    await queue.remove(abandoned);
    logger.warn({ event: 'revisions abandoned', revisions: abandoned.length }, 'gave up what a dead producer left');
  }

  async function retryStranded(): Promise<void> {
    const places = new Map((await ledger.retryStranded()).map(({ job, priority }) => [job, priority]));
    if (places.size === 0) return;
    await queue.add([...places.keys()], { signal, priorityOf: (job) => places.get(job)! });
    logger.info({ event: 'retries added again', chunks: places.size }, 'added what a retry may have left out');
  }

  let forgotAt = Number.NEGATIVE_INFINITY;
  async function forget(): Promise<void> {
    if (clock.monotonicMs() - forgotAt < FORGET_EVERY_MS) return;
    await ledger.forgetOld();
    forgotAt = clock.monotonicMs();
  }

  const running = (async () => {
    while (!signal.aborted) {
      await persist(() => deletions.repeat(), { signal, clock, onOutage });
      await persist(sweep, { signal, clock, onOutage });
      // Old idempotency keys go before the revisions that they would lead back to.
      await persist(forget, { signal, clock, onOutage });
      await persist(abandon, { signal, clock, onOutage });
      await persist(retryStranded, { signal, clock, onOutage });
      await clock.sleep(intervalMs, signal);
    }
  })().catch((error: unknown) => {
    if (!signal.aborted) onStop(error);
  });

  return async () => {
    stopping.abort(new Error('the worker is closing'));
    await running;
  };
}
