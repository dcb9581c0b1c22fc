/**
 * Sends items to a server that may fail, until each has been accepted or is dead. The verdict of a failure decides:
 *
 * - `retry`: an outage. Wait (full jitter, 0.5–60 s, `Retry-After` obeyed) and send the same again, unless the items are to be handed
 *   back; no attempt is used.
 * - `split`: halve, down to one; the engine's pace remembers the size, so that later batches are smaller.
 * - `dead`: halve to find the one item at fault; alone it is dead when it is refused twice and the witness is not.
 * - `unknown`: try once more, then halve; alone it is dead after five attempts that the witness confirmed.
 * - `stop`: thrown, the line stops.
 *
 * The **witness** is a request that is known to be good. An item is blamed only after the witness succeeded on the same
 * server *after* the failure; if it fails too, the failure was an outage or a refusal, and its own verdict counts.
 */
import { type Backoff, type Clock, createBackoff, isSluiceError, SluiceError, verdictOf } from '@sluice/core';
import type { Item } from './item.ts';

/** Confirmed failures of one item, alone, until it is dead. A refusal is asked twice: it may have met the end of an outage. */
const ATTEMPTS_REFUSED = 2;
const ATTEMPTS_UNKNOWN = 5;

export interface DeliverOptions {
  /** One request. Resolves when every item was accepted. */
  send(items: Item[]): Promise<void>;
  /** A request known to be good, on the same server. Throws what the server answers. */
  witness(): Promise<void>;
  /** Counts a confirmed failure of verdict `unknown`, wherever it happened before; how many there are now. */
  attempt(item: Item): Promise<number>;
  /** The item's final verdict; `error` is the failure that was confirmed. */
  dead(item: Item, error: SluiceError): Promise<void>;
  /** Called for every failure that is waited out; collapses logs, shows the line as waiting. */
  onOutage(error: unknown, waitMs: number): void;
  /** Whether an outage need not be waited out, because the items were handed back for other workers. */
  handedBack?(items: Item[]): boolean;
  signal: AbortSignal;
  clock: Clock;
  backoff?: Backoff;
}

/** Throws the first `stop` error, and `signal.reason` when aborted while waiting. */
export async function deliver(items: Item[], options: DeliverOptions): Promise<void> {
  const backoff = options.backoff ?? createBackoff();
  await sendOrSplit(items, options, backoff);
}

async function sendOrSplit(items: Item[], options: DeliverOptions, backoff: Backoff): Promise<void> {
  let refusals = 0;
  for (let tries = 1; ; tries++) {
    options.signal.throwIfAborted();
    try {
      await options.send(items);
      backoff.reset();
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      const verdict = verdictOf(error);
      if (verdict === 'stop') throw error;
      if (verdict === 'retry') {
        if (options.handedBack?.(items) === true) return;
        await waitOut(error, options, backoff);
        continue;
      }
      if (items.length > 1) {
        if (verdict === 'unknown' && tries === 1) {
          await waitOut(error, options, backoff);
          continue;
        }
        const middle = Math.ceil(items.length / 2);
        await sendOrSplit(items.slice(0, middle), options, backoff);
        await sendOrSplit(items.slice(middle), options, backoff);
        return;
      }
      const item = items[0]!;
      if (!(await witnessAgrees(options, backoff))) continue;
      if (verdict === 'unknown') {
        const attempts = await options.attempt(item);
        if (attempts > 0 && attempts < ATTEMPTS_UNKNOWN) {
          await waitOut(error, options, backoff);
          continue;
        }
      } else if (++refusals < ATTEMPTS_REFUSED) {
        continue;
      }
      await options.dead(item, asSluiceError(error));
      return;
    }
  }
}

/**
 * True if the witness succeeded at once. Otherwise the server was at fault: its outage is waited out and the item must be
 * sent again before anything is said of it. A `stop` of the witness is thrown; a refusal of the witness is waited out.
 */
async function witnessAgrees(options: DeliverOptions, backoff: Backoff): Promise<boolean> {
  for (let agreed = true; ; agreed = false) {
    options.signal.throwIfAborted();
    try {
      await options.witness();
      return agreed;
    } catch (error) {
      if (verdictOf(error) === 'stop') throw error;
      await waitOut(error, options, backoff);
    }
  }
}

async function waitOut(error: unknown, options: DeliverOptions, backoff: Backoff): Promise<void> {
  const waitMs = backoff.next(isSluiceError(error) ? error.retryAfterMs : undefined);
  options.onOutage(error, waitMs);
  await options.clock.sleep(waitMs, options.signal);
}

function asSluiceError(error: unknown): SluiceError {
  if (isSluiceError(error)) return error;
  return new SluiceError('engine_failed', { message: 'An unexpected failure', cause: error });
}
