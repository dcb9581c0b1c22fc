/**
 * What a failure of Redis means for the work. Decided by the server's error code (the first word of an error reply) and by
 * the socket's error code; only ioredis' own three errors, which carry no code, are told apart by their class or constant.
 */
import { type ErrorCode, isSluiceError, SluiceError } from '@sluice/core';
import type { ChainableCommander } from 'ioredis';

/** First word of an error reply → our code. `OOM` and the like are outages: they pass, and no attempt is used. */
const byReply: Readonly<Record<string, ErrorCode>> = {
  LOADING: 'queue_busy',
  READONLY: 'queue_busy',
  MISCONF: 'queue_busy',
  OOM: 'queue_busy',
  BUSY: 'queue_busy',
  TRYAGAIN: 'queue_busy',
  CLUSTERDOWN: 'queue_busy',
  MASTERDOWN: 'queue_busy',
  NOREPLICAS: 'queue_busy',
  UNBLOCKED: 'queue_busy',
  NOAUTH: 'queue_refused_key',
  WRONGPASS: 'queue_refused_key',
  NOPERM: 'queue_refused_key',
};

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNABORTED',
]);

/** ioredis gives these plain Errors without a code: a command past its deadline, and a connection that went away. */
const codeless = new Set([
  'Command timed out',
  'Connection is closed.',
  "Stream isn't writeable and enableOfflineQueue options is false",
]);

/** Any error of Redis as a SluiceError with `cause`; one that is a SluiceError already is returned as it is. */
export function toQueueError(error: unknown, where?: string): SluiceError {
  if (isSluiceError(error)) return error;
  const { name, message, code, lastNodeError } = error as {
    name?: string;
    message?: string;
    code?: string;
    lastNodeError?: unknown;
  };
  if (lastNodeError !== undefined && lastNodeError !== null) return toQueueError(lastNodeError, where);
  const word = /^[A-Z]+/.exec(message ?? '')?.[0];
  if (name === 'ReplyError' && word !== undefined && byReply[word] !== undefined) {
    return new SluiceError(byReply[word], { message: `Redis answers ${word}`, where, cause: error });
  }
  if (code !== undefined && socketCodes.has(code)) {
    return new SluiceError('queue_unreachable', { message: `Redis is not reachable: ${code}`, where, cause: error });
  }
  if (name === 'MaxRetriesPerRequestError' || codeless.has(message ?? '')) {
    return new SluiceError('queue_unreachable', { message: 'Redis did not answer in time', where, cause: error });
  }
  return new SluiceError('queue_failed', {
    message: `Redis failed: ${name === 'ReplyError' ? (word ?? 'error reply') : (name ?? 'error')}`,
    where,
    cause: error,
  });
}

/** Runs `act`; its failure comes out as a SluiceError. */
export async function guarded<T>(act: () => Promise<T>, where?: string): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw toQueueError(error, where);
  }
}

/** Sends what a pipeline holds; throws the first error among its answers. */
export async function executed(pipeline: ChainableCommander): Promise<void> {
  const failed = (await pipeline.exec())?.find(([error]) => error !== null);
  if (failed !== undefined) throw failed[0];
}
