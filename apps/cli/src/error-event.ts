/** An error as a line of `--json`: its parts, and no text that nobody foresaw. */
import { isSluiceError } from '@sluice/core';

export function errorEvent(error: unknown): Record<string, unknown> {
  if (isSluiceError(error)) return { type: 'error', ...error.toJSON() };
  return { type: 'error', code: 'unexpected', message: 'sluice failed unexpectedly; standard error says where' };
}
