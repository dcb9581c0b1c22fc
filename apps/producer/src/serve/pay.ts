/** Paying out of a key's allowance by waiting: for streams, which slow down where a request would be refused. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Allowances, Spending } from '@sluice/queue';
import type { Caller } from './caller.ts';
import { refuseUnlessZero } from './limit-callers.ts';

/** A debt that takes longer is not waited for. */
const LONGEST_WAIT_MS = 300_000;

/** Throws `rate_limited` where it would take more than five minutes, `queue_*`, and the signal's reason. */
export async function pay(
  spending: Spending,
  {
    caller: { keyId, limits, name },
    allowances,
    signal,
    longestWaitMs = LONGEST_WAIT_MS,
  }: { caller: Caller; allowances: Allowances; signal: AbortSignal; longestWaitMs?: number },
): Promise<void> {
  if (keyId === undefined) return;
  for (let leftMs = longestWaitMs; ; ) {
    const waitMs = await allowances.spend(keyId, limits, spending);
    if (waitMs > leftMs) refuseUnlessZero(waitMs, name);
    if (waitMs === 0) return;
    leftMs -= waitMs;
    await delay(waitMs, undefined, { signal });
  }
}
