import { SluiceError } from '@sluice/core';
import { expect, test } from 'vitest';
import { isSuccess, storeError } from './store-errors.ts';

/** As grpc-js rejects: an Error with a number for its code. */
const grpc = (code: number, details: string) => Object.assign(new Error(`${code} ${details}`), { code, details });
const status = (error_code: string | number, code: number, reason = 'reason') => ({ error_code, code, reason });

test.each<[string, unknown, string, string]>([
  ['nobody listens', grpc(14, 'ECONNREFUSED'), 'store_unreachable', 'retry'],
  ['no answer in time: may have landed', grpc(4, 'Deadline exceeded'), 'store_unreachable', 'retry'],
  ['cut off: may have landed', grpc(1, 'Cancelled'), 'store_unreachable', 'retry'],
  [
    'a message over the limit',
    grpc(8, 'trying to send message larger than max (71442759 vs. 67108864)'),
    'store_too_large',
    'split',
  ],
  ['a proxy in between that limits the rate', grpc(8, 'too many requests'), 'store_busy', 'retry'],
  ['wrong credentials', grpc(16, 'auth check failure'), 'store_refused_key', 'stop'],
  ['missing rights', grpc(7, 'permission deny'), 'store_refused_key', 'stop'],
  ['text that is not UTF-8', grpc(13, 'invalid UTF-8'), 'store_failed', 'unknown'],
  ['rate limit', { status: status('UnexpectedError', 8) }, 'store_busy', 'retry'],
  ['rate limit by name', { status: status('RateLimit', 0) }, 'store_busy', 'retry'],
  ['quota exhausted', { status: status('UnexpectedError', 9) }, 'store_busy', 'retry'],
  ['memory limit', status('UnexpectedError', 3), 'store_busy', 'retry'],
  ['disk limit', status('UnexpectedError', 7), 'store_busy', 'retry'],
  ['time tick delay', status('UnexpectedError', 11), 'store_busy', 'retry'],
  ['not ready', status('UnexpectedError', 1), 'store_busy', 'retry'],
  ['no replica yet', status('UnexpectedError', 503), 'store_busy', 'retry'],
  ['collection gone', status('UnexpectedError', 100), 'missing_collection', 'stop'],
  ['collection gone, as milvus-lite says it', status('CollectionNotExists', 100), 'missing_collection', 'stop'],
  [
    "the SDK's own describe, thrown as a response",
    { status: status('UnexpectedError', 100), schema: {} },
    'missing_collection',
    'stop',
  ],
  ['a poison row', status('IllegalArgument', 1100), 'store_failed', 'unknown'],
  ['a poison row without a code of its own', status('UnexpectedError', 65_535), 'store_failed', 'unknown'],
  ['a poison row, as milvus-lite says it', status(6, 6), 'store_failed', 'unknown'],
  ['success in one field, a code in the other', status('Success', 1), 'store_busy', 'retry'],
  ['a call that the server does not have, which the SDK calls success', {}, 'store_unreachable', 'retry'],
  ['a call that the server does not have', grpc(12, 'unknown method Upsert'), 'store_unreachable', 'retry'],
  ['nothing', undefined, 'store_unreachable', 'retry'],
])('%s', (_case, failure, code, verdict) => {
  expect(storeError(failure, 'upsert sluice_main')).toMatchObject({ code, verdict, where: 'upsert sluice_main' });
});

test('success is both fields', () => {
  expect(isSuccess({ error_code: 'Success', code: 0 })).toBe(true);
  expect(isSuccess({ error_code: 'Success' })).toBe(true);
  expect(isSuccess({ error_code: 'Success', code: 1 })).toBe(false);
  expect(isSuccess({ error_code: 'UnexpectedError', code: 0 })).toBe(false);
  expect(isSuccess(undefined)).toBe(false);
});

test('an error of ours passes unchanged, and a long reason is cut', () => {
  const ours = new SluiceError('row_refused', { message: 'x' });
  expect(storeError(ours, 'x')).toBe(ours);
  expect(
    storeError(status('UnexpectedError', 1100, `${'r'.repeat(5_000)}\nstack trace`), 'x').got!.length,
  ).toBeLessThan(400);
});
