import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Interrupted, onInterrupt } from './interrupt.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen(withinMs?: number) {
  const source = new EventEmitter();
  const left: number[] = [];
  const signal = onInterrupt({
    ...(withinMs !== undefined && { withinMs }),
    leave: (code) => void left.push(code),
    source: source as unknown as NodeJS.Process,
  });
  return { source, left, signal };
}

test('the first signal asks to stop, the second leaves with its own code', () => {
  const { source, left, signal } = listen();
  source.emit('SIGINT', 'SIGINT');
  expect(signal.reason).toBeInstanceOf(Interrupted);
  expect([(signal.reason as Interrupted).exitCode, left]).toEqual([130, []]);
  source.emit('SIGTERM', 'SIGTERM');
  expect(left).toEqual([143]);
});

test('what has not stopped within the bound is left', () => {
  const { source, left } = listen(10_000);
  source.emit('SIGTERM', 'SIGTERM');
  vi.advanceTimersByTime(9_999);
  expect(left).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(left).toEqual([143]);
});
