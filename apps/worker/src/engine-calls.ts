/**
 * The engine calls of one process. Each is on record in the ledger before it begins, so that whoever finds the process dead
 * knows what it was embedding. A chunk that was in two such calls has the process to itself: it is never blamed for dying in
 * company, and kills no neighbour's request again.
 */
import { type PersistOptions, persist } from '@sluice/core';
import type { Ledger } from '@sluice/queue';
import type { Item } from './item.ts';
import { createRoom } from './room.ts';

export interface EngineCallsOptions {
  ledger: Pick<Ledger, 'enterCall'>;
  worker: string;
  /** How an outage of Redis is waited out while a call is taken off the record: its vectors must not be lost by it. */
  waiting: PersistOptions;
}

export type EngineCalls = <T>(items: readonly Item[], embed: () => Promise<T>) => Promise<T>;

export function createEngineCalls({ ledger, worker, waiting }: EngineCallsOptions): EngineCalls {
  const room = createRoom();

  return (items, embed) => {
    const alone = items.length === 1 && items[0]!.suspicion === 'run alone';
    const call = async () => {
      const noted = await ledger.enterCall(
        worker,
        items.map(({ key, revision, ordinal }) => ({ key, revision, ordinal })),
        { alone },
      );
      const leave = async (outcome: 'embedded' | 'failed') => {
        // Once even while the worker closes: a call that stays on record looks like a death.
        await noted.left(outcome).catch(() => persist(() => noted.left(outcome), waiting));
      };
      try {
        const reply = await embed();
        await leave('embedded');
        return reply;
      } catch (error) {
        await leave('failed');
        throw error;
      }
    };
    return alone ? room.alone(call) : room.together(call);
  };
}
