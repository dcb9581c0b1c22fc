/**
 * The order of chunks as BullMQ priorities. `live` goes before `bulk`; within a class tenants take turns by tokens, whoever came first:
 * a document's tag (drawn by prepare.lua, start-time fair queuing) is the place of its first token in the order of its class.
 *
 * BullMQ has priorities 1 … 2^21 − 1, lower first, and keeps the order of arrival within one. Each class has half of them, one
 * for 65,536 tokens: an order that has not been empty for 6.9 × 10^10 tokens (twenty days of a 3090) has used them up, and goes
 * by arrival from then on until it is empty once.
 */
import type { Priority } from './submission.ts';

const TOKENS_PER_PRIORITY = 65_536;
const PRIORITIES_PER_CLASS = 2 ** 20;

/** Whether a job of this priority is of the class that goes first; one without a place goes before all. */
export function isLive(priority: number): boolean {
  return priority < PRIORITIES_PER_CLASS;
}

/** Priorities of a document's chunks, by ordinal. `tokens`: total tokens of each. */
export function chunkPriorities(
  { tag, priority = 'bulk' }: { tag: number; priority?: Priority | undefined },
  tokens: readonly number[],
): number[] {
  const first = priority === 'live' ? 1 : PRIORITIES_PER_CLASS;
  let at = tag;
  return tokens.map((count) => {
    const place = Math.min(PRIORITIES_PER_CLASS - 2, Math.floor(at / TOKENS_PER_PRIORITY));
    at += count;
    return first + place;
  });
}
