/**
 * The points of a worker's work at which it may be killed or stopped: between any two of them another process can have done
 * anything. A hook that is told of them is an argument of `runWorker`; the fault tests pass one, nothing else does.
 */
import type { BatcherVerbs } from './verbs.ts';

/** In the order of a chunk's way; the last three are settlement's and the sweeper's. */
export type WorkerStep =
  | 'before fence 1'
  | 'after fence 1'
  | 'before embedding'
  | 'after embedding'
  /** The fence is fresh enough, the rows are about to be sent. */
  | 'before send'
  /** The rows are on their way and Milvus has not answered. */
  | 'between send and reply'
  | 'before mark'
  | 'after mark'
  /** Overtaken: the worker's own keys are about to be deleted. */
  | 'before forgetting'
  | 'before deleting older rows'
  | 'before settled'
  | 'before sweeping';

/** The step goes on when what the hook returns has resolved. `chunks`: the ids that the step is about, where it is about some. */
export type OnWorkerStep = (step: WorkerStep, chunks: readonly string[]) => Promise<void> | void;

/** The same verbs, with `onStep` told of each point. */
export function withSteps(verbs: BatcherVerbs, onStep: OnWorkerStep): BatcherVerbs {
  const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);
  return {
    ...verbs,
    async fence(items) {
      await onStep('before fence 1', idsOf(items));
      const answers = await verbs.fence(items);
      await onStep('after fence 1', idsOf(items));
      return answers;
    },
    async embed(items) {
      await onStep('before embedding', idsOf(items));
      const reply = await verbs.embed(items);
      await onStep('after embedding', idsOf(items));
      return reply;
    },
    async upsert(rows) {
      const ids = idsOf(rows.map(({ item }) => item));
      await onStep('before send', ids);
      await Promise.all([verbs.upsert(rows), onStep('between send and reply', ids)]);
    },
    async mark(rows) {
      const ids = idsOf(rows.map(({ item }) => item));
      await onStep('before mark', ids);
      const answers = await verbs.mark(rows);
      await onStep('after mark', ids);
      return answers;
    },
    async forget(items) {
      await onStep('before forgetting', idsOf(items));
      await verbs.forget(items);
    },
  };
}
