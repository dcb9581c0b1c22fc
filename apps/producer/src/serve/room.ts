/**
 * How much the service has in hand at a time. What comes when the room is full is refused at once, with the time after which to come
 * again: a service that is behind would else let every caller wait for all those before it, longer and longer. No caller takes
 * more than half of the room, so that one who floods it leaves the others theirs.
 */
import { SluiceError } from '@sluice/core';

export interface Room {
  /** Throws `service_busy` when the room is full. */
  enter(): Visit;
}

export interface Visit {
  /** Whose it is. Throws `service_busy` when the caller has half of the room already; the visit goes on until `leave`. */
  belongsTo(caller: string): void;
  /** Idempotent. */
  leave(): void;
}

/** Weight of the newest stay in the mean. */
const NEWEST = 0.05;

export function createRoom(most: number, { monotonicMs = () => performance.now() } = {}): Room {
  const byCaller = new Map<string, number>();
  let inside = 0;
  let meanStayMs = 0;

  /** Little's law: a full room has emptied once after the mean stay of those inside. */
  const busy = (message: string): SluiceError =>
    new SluiceError('service_busy', { message, retryAfterMs: Math.ceil(meanStayMs) });

  return {
    enter() {
      if (inside >= most) throw busy(`${most} requests are in hand already`);
      inside += 1;
      const enteredAt = monotonicMs();
      let owner: string | undefined;
      let left = false;
      return {
        belongsTo(caller) {
          const held = byCaller.get(caller) ?? 0;
          if (held >= most / 2) throw busy(`${held} requests of this key are in hand already`);
          byCaller.set(caller, held + 1);
          owner = caller;
        },
        leave() {
          if (left) return;
          left = true;
          inside -= 1;
          meanStayMs += (monotonicMs() - enteredAt - meanStayMs) * NEWEST;
          if (owner === undefined) return;
          const others = byCaller.get(owner)! - 1;
          if (others === 0) byCaller.delete(owner);
          else byCaller.set(owner, others);
        },
      };
    },
  };
}
