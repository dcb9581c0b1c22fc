import { afterEach, expect, test, vi } from 'vitest';
import { SluiceError } from './errors.ts';
import { createErrorCollapser, type Logger } from './log.ts';

afterEach(() => vi.useRealTimers());

function collapser() {
  vi.useFakeTimers();
  const lines: { repeated?: number }[] = [];
  const logger = { warn: (line: { repeated?: number }) => lines.push(line) } as unknown as Logger;
  const collapse = createErrorCollapser(logger, { everyMs: 10_000 });
  const error = (code: 'engine_unreachable' | 'queue_busy') => collapse(new SluiceError(code, { message: code }), code);
  return { lines, error, repeats: () => lines.map(({ repeated }) => repeated) };
}

test('of equal errors the first is logged, then one line every ten seconds with their number, the last of a burst included', () => {
  const { error, repeats } = collapser();
  for (let i = 0; i < 25; i++) {
    error('engine_unreachable');
    vi.advanceTimersByTime(1_000);
  }
  vi.advanceTimersByTime(60_000);
  expect(repeats()).toEqual([undefined, 9, 10, 5]);
});

test('another error is another line, and what comes back after a quiet time is a first one again', () => {
  const { error, repeats } = collapser();
  error('engine_unreachable');
  error('queue_busy');
  vi.advanceTimersByTime(3_600_000);
  error('engine_unreachable');
  expect(repeats()).toEqual([undefined, undefined, undefined]);
});
