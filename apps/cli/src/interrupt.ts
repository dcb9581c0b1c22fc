/** The first SIGINT or SIGTERM asks to stop; the second leaves at once. Both leave work resumable. */
import { constants } from 'node:os';

/** Thrown by what an interrupt cuts short; the command ends with the exit code that shells expect, and says nothing. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + (constants.signals[signal] ?? 0);
  }
}

export function onInterrupt(leave: (code: number) => void = (code) => process.exit(code)): AbortSignal {
  const stopping = new AbortController();
  const handle = (signal: NodeJS.Signals): void => {
    const interrupted = new Interrupted(signal);
    if (stopping.signal.aborted) leave(interrupted.exitCode);
    stopping.abort(interrupted);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return stopping.signal;
}

/** Resolves with undefined when the signal aborts, at once if it has. */
export function untilInterrupted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
