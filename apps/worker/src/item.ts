/**
 * A chunk on its way through one worker.
 *
 * States, in the words the code uses: **waiting** (in the planner) → **embedding** (in an engine request) → **writing**
 * (its row is in a Milvus request) → **marked** (outcome known, its BullMQ job completes). An item leaves early as
 * `already-stored`, `overtaken` or `dead`, or is **handed back** at shutdown; each item gets exactly one outcome.
 */

import { type DocumentKey, embeddedText, type Revision, totalTokens } from '@sluice/core';
import { type ChunkJob, chunkIdOf, type Suspicion } from '@sluice/queue';

export type Outcome = 'stored' | 'reused' | 'already-stored' | 'overtaken' | 'dead' | 'handed-back';

export interface Item {
  readonly job: ChunkJob;
  /** Chunk id: the row's primary key. */
  readonly id: string;
  readonly key: DocumentKey;
  readonly revision: Revision;
  readonly ordinal: number;
  /** What the engine is given, without the instruction. */
  readonly text: string;
  /** Text, special and instruction tokens together. */
  readonly tokens: number;
  /** Its place in the queue: lower goes first. */
  readonly priority: number;
  /** Whether processes died while they embedded it: then it is embedded alone in its process, or not at all. */
  suspicion: Suspicion;
  /** Monotonic time of the last fence that said go on; the write must be sent before it is too old. */
  fencedAt: number;
  /** Rows of older revisions may hold this chunk's vector. */
  older: boolean;
  /** The one outcome; undefined while the item is on its way. Later calls of `finish` are ignored. */
  outcome: Outcome | undefined;
  readonly finish: (outcome: Outcome) => void;
  readonly finished: Promise<Outcome>;
}

export function createItem(job: ChunkJob, priority = 0): Item {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const item: Item = {
    job,
    id: chunkIdOf(job),
    key: job.key,
    revision: job.revision,
    ordinal: job.ordinal,
    text: embeddedText(job),
    tokens: totalTokens(job.tokens),
    priority,
    suspicion: 'none',
    fencedAt: Number.NEGATIVE_INFINITY,
    older: false,
    outcome: undefined,
    finish(outcome) {
      item.outcome ??= outcome;
      resolve(item.outcome);
    },
    finished: promise,
  };
  return item;
}
