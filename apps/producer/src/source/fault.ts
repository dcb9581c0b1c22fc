import { type ErrorCode, errorCodes, isSluiceError } from '@sluice/core';
import type { ItemFault } from './item.ts';

export function fault(code: ErrorCode, where: string, message: string = errorCodes[code].means): ItemFault {
  return { where, code, message, fix: errorCodes[code].fix };
}

/** A fault for an error met while reading: ours keeps its code, a system error is `unreadable_file`. */
export function faultOf(error: unknown, where: string): ItemFault {
  if (isSluiceError(error)) {
    const parts = [error.what];
    if (error.expected !== undefined) parts.push(`expected ${error.expected}`);
    if (error.got !== undefined) parts.push(`got ${error.got}`);
    return { where: error.where ?? where, code: error.code, message: parts.join('; '), fix: error.fix };
  }
  const system = error as NodeJS.ErrnoException;
  if (system.code === 'ENOENT') return fault('missing_path', where, 'There is no such file');
  return fault('unreadable_file', where, `Reading failed: ${system.code ?? system.name ?? 'unknown error'}`);
}
