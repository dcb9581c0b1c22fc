/**
 * Admission of a service: the line's backlog and what is accepted and waits to be chunked, which no backlog has yet. Its tokens
 * are estimated, by the mean of what this service accepted: four bytes a token, which is near for every script that the
 * tokenizer knows.
 */
import { type Clock, isSluiceError, type SourceDocument, systemClock } from '@sluice/core';
import type { Admission, SubmissionQueue, Work } from '@sluice/queue';

export interface Gate {
  /** Throws `backlog_full` with `retryAfterMs`, `ledger_full`, `queue_*`. */
  admit(work: Work): Promise<void>;
  /** Resolves when there is room, or the signal aborts; outages are waited out. */
  wait(work: Work, signal: AbortSignal): Promise<void>;
  /** These were accepted just now. */
  accepted(documents: readonly SourceDocument[]): void;
}

const BYTES_PER_TOKEN = 4;
const LOOK_EVERY_MS = 250;
const WAIT_MS = 500;
/** Weight of the newest document in the mean. */
const NEWEST = 0.02;

function estimatedTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

export function createGate(
  admission: Admission,
  submissions: Pick<SubmissionQueue, 'waiting'>,
  { clock = systemClock }: { clock?: Clock } = {},
): Gate {
  let meanTokens = 1_000;
  let waiting = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function onTheirWay(): Promise<number> {
    if (clock.monotonicMs() - lookedAt > LOOK_EVERY_MS) {
      lookedAt = clock.monotonicMs();
      waiting = await submissions.waiting();
    }
    return waiting * meanTokens;
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
      waiting += documents.length;
      for (const { text } of documents) meanTokens += (estimatedTokens(text) - meanTokens) * NEWEST;
    },
  };
}
