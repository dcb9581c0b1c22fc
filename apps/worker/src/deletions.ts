/**
 * Deletes that outlive a crash of Milvus. Everything is noted before it is deleted; after Milvus was away, and when a worker starts (it
 * cannot know what was before), what was deleted lately is deleted once more. One worker's repetition serves all.
 */
import type { Clock, Logger } from '@sluice/core';
import type { IdSpan, Deletions as Noted } from '@sluice/queue';
import type { Store } from '@sluice/store';

export interface Deletions {
  ranges(spans: readonly IdSpan[]): Promise<void>;
  keys(ids: readonly string[]): Promise<void>;
  /** Milvus did not answer, or not as it should: it may have been killed. */
  storeWasAway(): void;
  /** Deletes again what is due; nothing if nothing is. Throws while Milvus is still away. */
  repeat(): Promise<void>;
}

interface DeletionsOptions {
  ledger: Noted;
  store: Pick<Store, 'deleteKeys' | 'deleteRanges' | 'witness'>;
  collection: string;
  clock: Clock;
  logger: Logger;
}

export function createDeletions({ ledger, store, collection, clock, logger }: DeletionsOptions): Deletions {
  let awayAt: number | undefined = clock.monotonicMs();

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
    },
    async repeat() {
      if (awayAt === undefined) return;
      await store.witness(collection);
      const [since, beganAt] = [awayAt, clock.monotonicMs()];
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
      if (awayAt === since) awayAt = undefined;
    },
  };
}
