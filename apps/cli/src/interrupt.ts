/** The first SIGINT or SIGTERM asks to stop, within a bound; the second leaves at once. All of it leaves work resumable. */
import { constants } from 'node:os';

/** Thrown by what an interrupt cuts short; the command ends with the exit code that shells expect, and says nothing. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + (constants.signals[signal] ?? 0);
  }
}

export interface InterruptOptions {
  /** Leaves so long after the first signal, whatever is still to be closed. Default: no bound. */
  withinMs?: number;
  leave?: (code: number) => void;
  /** Where the signals come from. */
  source?: Pick<NodeJS.Process, 'on'>;
}

export function onInterrupt({
  withinMs,
  leave = (code) => process.exit(code),
  source = process,
}: InterruptOptions = {}): AbortSignal {
  const stopping = new AbortController();
  const handle = (signal: NodeJS.Signals): void => {
    const interrupted = new Interrupted(signal);
    if (stopping.signal.aborted) leave(interrupted.exitCode);
    else if (withinMs !== undefined) setTimeout(() => leave(interrupted.exitCode), withinMs).unref();
    stopping.abort(interrupted);
  };
  source.on('SIGINT', handle);
  source.on('SIGTERM', handle);
  return stopping.signal;
}

/** Resolves with undefined when the signal aborts, at once if it has. */
export function untilInterrupted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
