/**
 * Deletes that outlive a crash of Milvus. Everything is noted before it is deleted; after Milvus was away, and when a worker starts or
 * was stopped for a while (it cannot know what was meanwhile), what is noted is deleted once more. One worker's repetition serves all.
 * A note is forgotten by time in which Milvus is up: from the moment at which somebody sees it away, all of them stay.
 */
import type { Clock, Logger } from '@sluice/core';
import type { IdSpan, Deletions as Noted } from '@sluice/queue';
import type { Store } from '@sluice/store';

export interface Deletions {
  ranges(spans: readonly IdSpan[]): Promise<void>;
  keys(ids: readonly string[]): Promise<void>;
  /** Milvus did not answer, or not as it should: it may have been killed. */
  storeWasAway(): void;
  /** Deletes again what is due, and forgets what is not needed any more. To be called every few seconds. Throws while Milvus is still away. */
  repeat(): Promise<void>;
}

interface DeletionsOptions {
  ledger: Noted;
  store: Pick<Store, 'deleteKeys' | 'deleteRanges' | 'witness'>;
  collection: string;
  clock: Clock;
  logger: Logger;
}

/** A Milvus that was killed is not back sooner: what was deleted again so shortly before a worker starts, it need not delete. */
const BACK_SOONEST_MS = 15_000;
/** Several rounds of the housekeeper. */
const UNSEEN_MS = 60_000;

export function createDeletions({ ledger, store, collection, clock, logger }: DeletionsOptions): Deletions {
  /** From when on Milvus may have forgotten something. */
  let awayAt: number | undefined = clock.monotonicMs() - BACK_SOONEST_MS;
  /** It is more than a guess. */
  let seenAway = false;
  let lookedAt = clock.monotonicMs();

  async function deleteAgain(since: number, beganAt: number): Promise<void> {
    if (seenAway) await ledger.keepDeletions();
    await store.witness(collection);
    const repeatedAgo = await ledger.deletionsRepeatedAgo();
    if (repeatedAgo === undefined || repeatedAgo >= beganAt - since) {
      const spans = await ledger.lateDeletions();
      await store.deleteRanges(collection, spans);
      await ledger.deletionsRepeated(clock.monotonicMs() - beganAt);
      logger.info(
        { event: 'deletions repeated', ranges: spans.length },
        'deleted again what Milvus may have forgotten',
      );
    }
    // It was away again meanwhile: all over again.
    if (awayAt !== since) return;
    awayAt = undefined;
    seenAway = false;
  }

  return {
    async ranges(spans) {
      await ledger.noteDeletions(spans);
      await store.deleteRanges(collection, spans);
    },
    async keys(ids) {
      // No id is a prefix of another: `g` comes behind every character that they have.
      await ledger.noteDeletions(ids.map((id) => ({ from: id, to: `${id}g` })));
      await store.deleteKeys(collection, ids);
    },
    storeWasAway() {
      awayAt = clock.monotonicMs();
      seenAway = true;
    },
    async repeat() {
      const beganAt = clock.monotonicMs();
      if (beganAt - lookedAt > UNSEEN_MS) awayAt ??= beganAt - BACK_SOONEST_MS;
      lookedAt = beganAt;
      if (awayAt !== undefined) await deleteAgain(awayAt, beganAt);
      if (awayAt === undefined) await ledger.forgetDeletions();
      lookedAt = clock.monotonicMs();
    },
  };
}
