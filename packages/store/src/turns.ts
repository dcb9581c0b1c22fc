/** Work that may not hold the event loop: pieces of a few milliseconds, one a turn, so that timers, sockets and locks come in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';

/** Runs the piece in a turn of its own, after those that were handed in before. Rejects with what it throws. */
export type Turns = <T>(piece: () => T) => Promise<T>;

export function createTurns(): Turns {
  const one = pLimit(1);
  return (piece) =>
    one(async () => {
      await nextTurn();
      return piece();
    });
}
