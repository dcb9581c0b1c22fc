/** Paying out of a key's allowance by waiting: for streams, which slow down where a request would be refused. */
import { type Clock, isSluiceError, systemClock } from '@sluice/core';
import type { Allowances, Spending } from '@sluice/queue';
import type { Caller } from './caller.ts';
import { refuseUnlessZero } from './limit-callers.ts';

/** A debt that takes longer is not waited for, nor is an outage of Redis. */
const LONGEST_WAIT_MS = 300_000;
const OUTAGE_LOOK_MS = 500;

/** Throws `rate_limited` and `queue_*` where it would take more than five minutes, and the signal's reason. */
export async function pay(
  spending: Spending,
  {
    caller: { keyId, limits, name },
    allowances,
    signal,
    clock = systemClock,
  }: { caller: Pick<Caller, 'keyId' | 'limits' | 'name'>; allowances: Allowances; signal: AbortSignal; clock?: Clock },
): Promise<void> {
  if (keyId === undefined) return;
  for (let leftMs = LONGEST_WAIT_MS; ; ) {
    let waitMs = OUTAGE_LOOK_MS;
    try {
      waitMs = await allowances.spend(keyId, limits, spending);
      if (waitMs > leftMs) refuseUnlessZero(waitMs, name);
      if (waitMs === 0) return;
    } catch (error) {
      const passes = isSluiceError(error) && error.verdict === 'retry' && error.code !== 'rate_limited';
      if (!passes || leftMs < waitMs) throw error;
    }
    leftMs -= waitMs;
    await clock.sleep(waitMs, signal);
    signal.throwIfAborted();
  }
}
