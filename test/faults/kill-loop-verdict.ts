/** What a kill loop has to show, as sentences about what it did not. */
import { inSeconds } from './figures.ts';
import type { KillLoopResult } from './kill-loop.ts';

/** A killed worker's jobs are in other hands by then, while a worker runs and its servers answer. */
const PICK_UP_MS = 30_000;

/** Empty: every promise held. */
export function whatIsBroken({
  findings,
  dead,
  verifyFaults,
  workersEnded,
  tokens,
  pickUpServed,
}: KillLoopResult): string[] {
  const broken: string[] = [];
  for (const kind of ['lost', 'doubled', 'stale', 'orphans', 'wrong'] as const) {
    const found = findings[kind];
    if (found.length > 0) broken.push(`${found.length} ${kind}: ${found.slice(0, 5).join(', ')}`);
  }
  if (dead.planted < 1) broken.push('the planted poison is not dead');
  if (dead.others.length > 0) broken.push(`dead: ${dead.others.slice(0, 5).join(', ')}`);
  for (const [kind, count] of Object.entries(verifyFaults)) broken.push(`verify finds ${count} ${kind}`);
  if (workersEnded.length > 0) broken.push(`workers ended by themselves: ${workersEnded.join(', ')}`);
  if (tokens.wasted > tokens.bound) broken.push(`${tokens.wasted} tokens wasted, at most ${tokens.bound}`);
  if ((pickUpServed?.max ?? 0) > PICK_UP_MS) broken.push(`a killed worker's jobs waited ${inSeconds(pickUpServed)}`);
  return broken;
}
