/**
 * Keeps callers from an engine that is away, and lets one known text find out when it is back.
 *
 * States: *closed*: calls pass; `threshold` outages in a row open it. *open*: calls are refused at once, with the time to
 * wait. When that time is over, or when somebody asks, the next call makes it *half-open*: the probe runs once, calls meanwhile wait for
 * its result; success closes it, failure opens it again for longer.
 */
import { type Backoff, type Clock, isSluiceError, SluiceError } from '@sluice/core';

export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open';
  /** Resolves when a call may pass. Throws the outage that opened it, with `retryAfterMs`, or what the probe threw. */
  admit(): Promise<void>;
  /**
   * The same, except that the probe waits for no time but one that the engine named (`Retry-After`): for somebody who asks seldom, and
   * for all.
   */
  ask(): Promise<void>;
  /** To be told how each call ended. */
  succeeded(): void;
  /** True when this outage opened it. */
  failed(outage: SluiceError): boolean;
}

export function createBreaker({
  clock,
  backoff,
  threshold,
  probe,
}: {
  clock: Clock;
  /** How long it stays open: longer each time in a row. */
  backoff: Backoff;
  /** Outages in a row that open it. */
  threshold: number;
  /** Sends the known text; throws an outage when the engine is still away. */
  probe: () => Promise<void>;
}): Breaker {
  let outagesInRow = 0;
  let open: { untilMs: number; namedMs: number; cause: SluiceError } | undefined;
  let probing: Promise<void> | undefined;

  function openFor(cause: SluiceError): void {
    const now = clock.monotonicMs();
    open = { untilMs: now + backoff.next(cause.retryAfterMs), namedMs: now + (cause.retryAfterMs ?? 0), cause };
  }

  function close(): void {
    outagesInRow = 0;
    open = undefined;
    backoff.reset();
  }

  async function halfOpen(): Promise<void> {
    try {
      await probe();
      close();
    } catch (error) {
      if (isSluiceError(error) && error.verdict === 'retry') openFor(error);
      else close(); // it answers, so it is there: what it says is for the caller to hear
      throw error;
    } finally {
      probing = undefined;
    }
  }

  return {
    get state() {
      if (probing !== undefined) return 'half-open';
      return open === undefined ? 'closed' : 'open';
    },
    async admit() {
      if (probing !== undefined) return probing;
      if (open === undefined) return;
      const waitMs = Math.ceil(open.untilMs - clock.monotonicMs());
      if (waitMs > 0) throw again(open.cause, waitMs);
      probing = halfOpen();
      return probing;
    },
    async ask() {
      if (probing === undefined && open !== undefined) open.untilMs = Math.min(open.untilMs, open.namedMs);
      return this.admit();
    },
    succeeded: () => {
      if (open === undefined) close();
    },
    failed(outage) {
      outagesInRow += 1;
      if (open !== undefined || outagesInRow < threshold) return false;
      openFor(outage);
      return true;
    },
  };
}

function again({ code, what, where, got, fix, cause }: SluiceError, retryAfterMs: number): SluiceError {
  return new SluiceError(code, { message: what, where, got, fix, verdict: 'retry', retryAfterMs, cause });
}
