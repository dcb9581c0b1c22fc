import { SluiceError } from '@sluice/core';
import { expect, test } from 'vitest';
import { renderError } from './render/error.ts';
import { createWorkerWords } from './worker-words.ts';

const away = new SluiceError('engine_unreachable', { message: 'The engine does not answer', where: 'http://gpu:8080' });
const logged = (level: string, more: object) => JSON.stringify({ level, service: 'worker', msg: 'waiting', ...more });

test('an outage that is waited out is said once, with its fix', () => {
  const words = createWorkerWords();
  expect(words.take(logged('info', {}))).toBeUndefined();
  const said = { what: 'engine_unreachable: The engine does not answer', fix: away.fix };
  expect(words.take(logged('warn', { err: away }))).toEqual(said);
  expect(words.take(logged('warn', { err: away, repeated: 9 }))).toBeUndefined();
  expect(words.last).toEqual(said);
});

test('the error that it ended with is read from what people get', () => {
  const words = createWorkerWords();
  words.take(logged('warn', { err: away }));
  const refused = new SluiceError('task_ignored', { message: 'The engine ignores the task', got: 'equal vectors' });
  for (const line of renderError(refused).split('\n')) words.take(line);
  expect(words.last).toEqual({ what: 'task_ignored: The engine ignores the task', fix: refused.fix });
});

test('lines that nobody understands change nothing', () => {
  const words = createWorkerWords();
  for (const line of ['', '{"torn', 'at Object.<anonymous>', '  fix       nothing before it']) {
    expect(words.take(line)).toBeUndefined();
  }
  expect(words.last).toBeUndefined();
});
