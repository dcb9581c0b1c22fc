/**
 * What a stream has read and not answered yet, in the room of all streams: lines that are not whole, and documents on their way.
 * Where there is no room it reads no further. Those on their way make room by themselves; lines that are not whole could wait for
 * each other for ever, so a wait ends.
 */
import { type Clock, systemClock } from '@sluice/core';
import type { Visit } from '../room.ts';

export interface StreamMemory {
  /** These were read. Waits for room; throws `service_busy` when there is none for half a minute, and the signal's reason. */
  read(bytes: number, signal: AbortSignal): Promise<void>;
  /** A line is whole. What to call when it is answered. */
  line(): () => void;
}

const LOOK_MS = 100;
const LONGEST_WAIT_MS = 30_000;

export function createStreamMemory(
  visit: Pick<Visit, 'hold' | 'release'>,
  { maxLineBytes, clock = systemClock }: { maxLineBytes: number; clock?: Clock },
): StreamMemory {
  let held = 0;
  let answered = 0;
  let ofLine = 0;

  return {
    async read(bytes, signal) {
      ofLine += bytes;
      // A line that is too long is dropped as it comes.
      if (ofLine > maxLineBytes + bytes) return;
      for (let leftMs = LONGEST_WAIT_MS; ; leftMs -= LOOK_MS) {
        try {
          visit.hold(bytes);
          held += bytes;
          return;
        } catch (error) {
          visit.release(bytes);
          if (leftMs <= 0) throw error;
        }
        await clock.sleep(LOOK_MS, signal);
        signal.throwIfAborted();
      }
    },

    line() {
      ofLine = 0;
      const upTo = held;
      return () => {
        if (upTo > answered) visit.release(upTo - answered);
        answered = Math.max(answered, upTo);
      };
    },
  };
}
