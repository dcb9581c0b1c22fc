import { expect, test } from 'vitest';
import { errorCodes } from './error-codes.ts';
import { isSluiceError, SluiceError, verdictOf } from './errors.ts';

test('a refusal says what, where, expected, got and the fix', () => {
  const error = new SluiceError('wrong_dimension', {
    message: 'The vectors are of another model',
    where: 'http://gpu:8080',
    expected: '1024',
    got: '768',
  });
  expect(error.message).toBe(
    `The vectors are of another model (http://gpu:8080); expected 1024; got 768. ${errorCodes.wrong_dimension.fix}`,
  );
  expect(error.verdict).toBe('stop');
});

test('errors are known by their marker, across copies of the package', () => {
  expect(isSluiceError(new SluiceError('queue_failed', { message: 'x' }))).toBe(true);
  expect(isSluiceError({ [Symbol.for('sluice.error')]: true })).toBe(true);
  expect(isSluiceError(new Error('x'))).toBe(false);
  expect(verdictOf(new Error('x'))).toBe('unknown');
});

test('the JSON form leaves the cause out: it may quote a request', () => {
  const error = new SluiceError('engine_failed', { message: 'x', cause: new Error('text of a document') });
  expect(JSON.stringify(error)).not.toContain('text of a document');
});

test('every code has a meaning and a fix that end as sentences do', () => {
  for (const [code, { means, fix }] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(means, code).toMatch(/\.$/);
    expect(fix, code).toMatch(/\.$/);
  }
});
