import { expect, test } from 'vitest';
import { chunkPriorities } from './fair-order.ts';

test('live goes before bulk, wherever both have come', () => {
  const live = chunkPriorities({ tag: Number.MAX_SAFE_INTEGER, priority: 'live' }, [1]);
  const bulk = chunkPriorities({ tag: 0 }, [1]);
  expect(live[0]).toBeLessThan(bulk[0]!);
});

test('chunks of a document stand one behind the other, by tokens', () => {
  const tokens = Array.from({ length: 64 }, () => 4_096);
  const priorities = chunkPriorities({ tag: 65_536, priority: 'live' }, tokens);
  expect([priorities[0], priorities[15], priorities[16], priorities[63]]).toEqual([2, 2, 3, 5]);
});

test('priorities stay within what BullMQ takes', () => {
  expect(chunkPriorities({ tag: 1e15 }, [4_096])[0]).toBeLessThan(2_097_152);
  expect(chunkPriorities({ tag: 0, priority: 'live' }, [4_096])[0]).toBe(1);
});
