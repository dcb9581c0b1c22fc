/** Names a mistake: what a measured variant has that the expected one has not, as an error code and in words. */
import type { ErrorCode } from '@sluice/core';
import type { GoldenVariant } from './golden.ts';

export interface Mistake {
  code: ErrorCode;
  words: string;
}

/** Undefined when the two are the same. */
export function mistake(expected: GoldenVariant, measured: GoldenVariant): Mistake | undefined {
  if (measured.pooling !== expected.pooling) {
    return { code: 'wrong_pooling', words: `${measured.pooling} pooling instead of ${expected.pooling}` };
  }
  if (measured.task !== expected.task) {
    if (measured.task === null) return { code: 'task_ignored', words: `the bare model instead of ${expected.task}` };
    return { code: 'wrong_adapter', words: `the adapter ${measured.task} instead of ${expected.task ?? 'none'}` };
  }
  if (measured.prompt === expected.prompt) return undefined;
  if (measured.prompt === '') return { code: 'prefix_missing', words: 'without the instruction' };
  if (measured.prompt === expected.prompt.repeat(2)) return { code: 'prefix_doubled', words: 'the instruction twice' };
  return { code: 'wrong_space', words: 'with another instruction' };
}
