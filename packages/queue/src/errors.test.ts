import { SluiceError } from '@sluice/core';
import { expect, test } from 'vitest';
import { toQueueError } from './errors.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const socket = (code: string) => Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });

test.each([
  ['LOADING Redis is loading the dataset in memory', 'queue_busy', 'retry'],
  ["READONLY You can't write against a read only replica.", 'queue_busy', 'retry'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'queue_busy', 'retry'],
  ['MISCONF Errors writing to the AOF file', 'queue_busy', 'retry'],
  ['NOAUTH Authentication required.', 'queue_refused_key', 'stop'],
  ['WRONGPASS invalid username-password pair', 'queue_refused_key', 'stop'],
  ["NOPERM User sluice has no permissions to run the 'info' command", 'queue_refused_key', 'stop'],
  ['ERR syntax error', 'queue_failed', 'unknown'],
])('an error reply is known by its code: %s', (message, code, verdict) => {
  expect(toQueueError(reply(message))).toMatchObject({ code, verdict });
});

test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN'])('a socket that fails is an outage: %s', (code) => {
  expect(toQueueError(socket(code))).toMatchObject({ code: 'queue_unreachable', verdict: 'retry' });
});

test("text of a reply never gets into the message: it may quote a command's arguments", () => {
  const failure = toQueueError(reply("ERR unknown command 'SECRET', with args beginning with: 'text of a document'"));
  expect(failure.message).not.toContain('text of a document');
  expect(JSON.stringify(failure)).not.toContain('text of a document');
});

test('an error that is ours already stays as it is', () => {
  const ours = new SluiceError('epoch_changed', { message: 'x' });
  expect(toQueueError(ours)).toBe(ours);
});
