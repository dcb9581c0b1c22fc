/**
 * Admission of a service: the line's backlog and what is accepted and waits to be chunked, which no backlog has yet. Its tokens
 * are estimated, and are its tenant's as those of the backlog are. Jobs that others added straight to the queue count as much as
 * the mean of what this service accepted, and are nobody's until a consumer has seen them.
 */
import { type Clock, isSluiceError, type SourceDocument, systemClock } from '@sluice/core';
import { type Admission, estimatedTokens, type OnTheirWay, type SubmissionQueue, type Work } from '@sluice/queue';

export interface Gate {
  /** Throws `backlog_full` with `retryAfterMs`, `ledger_full`, `queue_*`. */
  admit(work: Omit<Work, 'onTheirWay'>): Promise<void>;
  /** Resolves when there is room, or the signal aborts; outages are waited out. */
  wait(work: Omit<Work, 'onTheirWay'>, signal: AbortSignal): Promise<void>;
  /** These were accepted just now. */
  accepted(documents: readonly SourceDocument[]): void;
}

const LOOK_EVERY_MS = 250;
const WAIT_MS = 500;
/** Weight of the newest document in the mean. */
const NEWEST = 0.02;

export function createGate(
  admission: Admission,
  submissions: Pick<SubmissionQueue, 'waiting' | 'onTheirWay'>,
  { clock = systemClock }: { clock?: Clock } = {},
): Gate {
  let meanTokens = 1_000;
  const tokens = new Map<string, number>();
  let ofOthers = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function onTheirWay(): Promise<OnTheirWay> {
    if (clock.monotonicMs() - lookedAt > LOOK_EVERY_MS) {
      lookedAt = clock.monotonicMs();
      const [placed, waiting] = await Promise.all([submissions.onTheirWay(), submissions.waiting()]);
      tokens.clear();
      for (const { tenant, backlogTokens } of placed.shares) tokens.set(tenant, backlogTokens);
      ofOthers = Math.max(0, waiting - placed.documents);
    }
    const shares = [...tokens].map(([tenant, backlogTokens]) => ({ tenant, backlogTokens }));
    return { shares, ofNobody: ofOthers * meanTokens };
  }

  return {
    admit: async (work) => admission.admit({ ...work, onTheirWay: await onTheirWay() }),
    async wait(work, signal) {
      while (!signal.aborted) {
        try {
          return await admission.admit({ ...work, onTheirWay: await onTheirWay() });
        } catch (error) {
          if (!isSluiceError(error) || error.verdict !== 'retry') throw error;
          await clock.sleep(WAIT_MS, signal);
        }
      }
    },
    accepted(documents) {
      for (const { text, tenant = '' } of documents) {
        const estimate = estimatedTokens(text);
        tokens.set(tenant, (tokens.get(tenant) ?? 0) + estimate);
        meanTokens += (estimate - meanTokens) * NEWEST;
      }
    },
  };
}
