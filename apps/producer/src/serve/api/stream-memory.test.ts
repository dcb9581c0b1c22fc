import { type Clock, systemClock } from '@sluice/core';
import { expect, test } from 'vitest';
import { createRoom } from '../room.ts';
import { createStreamMemory } from './stream-memory.ts';

const { signal } = new AbortController();
const busy = expect.objectContaining({ code: 'service_busy' });

function roomOf(mostBytes: number) {
  const room = createRoom(10, { mostBytes });
  let slept = 0;
  let whileAsleep = () => undefined as unknown;
  const clock: Clock = {
    ...systemClock,
    async sleep() {
      slept += 1;
      whileAsleep();
    },
  };
  return {
    stream: () => createStreamMemory(room.enter(), { maxLineBytes: 50, clock }),
    sleeps: () => slept,
    meanwhile(act: () => unknown) {
      whileAsleep = act;
    },
  };
}

test('a stream reads on when what was read before is answered, its own or of another', async () => {
  const { stream, sleeps, meanwhile } = roomOf(100);
  const [one, other] = [stream(), stream()];
  await one.read(60, signal);
  const answered = one.line();
  await other.read(40, signal);
  meanwhile(answered);
  await other.read(60, signal);
  expect(sleeps()).toBe(1);
  meanwhile(other.line());
  await one.read(40, signal);
  await one.read(1, signal);
  expect(sleeps()).toBe(2);
});

test('lines that are not whole do not wait for each other for ever', async () => {
  const { stream, sleeps } = roomOf(100);
  const [one, other] = [stream(), stream()];
  await one.read(50, signal);
  await other.read(50, signal);
  await expect(one.read(1, signal)).rejects.toEqual(busy);
  expect(sleeps()).toBe(300);
});

test('a line that is too long takes no more than a line may', async () => {
  const { stream, sleeps } = roomOf(100);
  const one = stream();
  for (let i = 0; i < 100; i += 1) await one.read(10, signal);
  one.line()();
  const other = stream();
  await other.read(100, signal);
  expect(sleeps()).toBe(0);
});
