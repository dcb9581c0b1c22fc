/**
 * Exit codes: 0 all good · 1 fatal · 2 usage or configuration · 3 finished with failed items · 4 a dependency is down and
 * it is safe to run again · 5 `--max-errors` reached · 130 interrupted and resumable.
 */
import { isSluiceError } from '@sluice/core';

export const exitCodes = {
  ok: 0,
  fatal: 1,
  usage: 2,
  failedItems: 3,
  dependencyDown: 4,
  maxErrors: 5,
  interrupted: 130,
} as const;

export function exitCodeOf(error: unknown): number {
  if (!isSluiceError(error)) return exitCodes.fatal;
  switch (error.code) {
    case 'bad_usage':
    case 'bad_configuration':
    case 'unknown_line':
    case 'source_root_changed':
    case 'prune_refused':
      return exitCodes.usage;
    case 'max_errors':
      return exitCodes.maxErrors;
    default:
      return error.verdict === 'retry' ? exitCodes.dependencyDown : exitCodes.fatal;
  }
}
