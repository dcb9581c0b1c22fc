/**
 * How much the service has in hand at a time, in requests and in bytes of their bodies. What comes when the room is full is refused at once, with the time after which to come
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
  /** So many more bytes are in hand. Throws `service_busy` when there is no room for them, or the caller would have more than half. */
  hold(bytes: number): void;
  /** So many of them are not in hand any more. */
  release(bytes: number): void;
  /** Idempotent. */
  leave(): void;
}

/** Weight of the newest stay in the mean. */
const NEWEST = 0.05;

export function createRoom(
  most: number,
  { mostBytes = Number.POSITIVE_INFINITY, monotonicMs = () => performance.now() } = {},
): Room {
  const byCaller = new Map<string, { visits: number; bytes: number }>();
  let inside = 0;
  let bytesInside = 0;
  let meanStayMs = 0;

  /** Little's law: a full room has emptied once after the mean stay of those inside. */
  const busy = (message: string): SluiceError =>
    new SluiceError('service_busy', { message, retryAfterMs: Math.ceil(meanStayMs) });

  return {
    enter() {
      if (inside >= most) throw busy(`${most} requests are in hand already`);
      inside += 1;
      const enteredAt = monotonicMs();
      let owner: { visits: number; bytes: number } | undefined;
      let ownerName = '';
      let held = 0;
      let left = false;

      function refuseMoreThanHalf(): void {
        if (owner !== undefined && owner.bytes > mostBytes / 2) {
          throw busy(`${owner.bytes} bytes of this key are in hand already`);
        }
      }

      return {
        belongsTo(caller) {
          owner = byCaller.get(caller) ?? { visits: 0, bytes: 0 };
          if (owner.visits >= most / 2) {
            const { visits } = owner;
            owner = undefined;
            throw busy(`${visits} requests of this key are in hand already`);
          }
          byCaller.set(caller, owner);
          ownerName = caller;
          owner.visits += 1;
          owner.bytes += held;
          refuseMoreThanHalf();
        },
        hold(bytes) {
          if (left) return;
          held += bytes;
          bytesInside += bytes;
          if (owner !== undefined) owner.bytes += bytes;
          if (bytesInside > mostBytes) throw busy(`${bytesInside} bytes are in hand already`);
          refuseMoreThanHalf();
        },
        release(bytes) {
          if (left) return;
          held -= bytes;
          bytesInside -= bytes;
          if (owner !== undefined) owner.bytes -= bytes;
        },
        leave() {
          if (left) return;
          left = true;
          inside -= 1;
          bytesInside -= held;
          meanStayMs += (monotonicMs() - enteredAt - meanStayMs) * NEWEST;
          if (owner === undefined) return;
          owner.visits -= 1;
          owner.bytes -= held;
          if (owner.visits === 0) byCaller.delete(ownerName);
        },
      };
    },
  };
}
