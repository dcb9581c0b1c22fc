import { expect, test } from 'vitest';
import { createReleaser } from './releaser.ts';

test('closes in reverse order, once, however often it is asked', async () => {
  const closed: string[] = [];
  const releaser = createReleaser();
  releaser.push('a', () => closed.push('a'));
  releaser.push('b', async () => closed.push('b'));
  await Promise.all([releaser.release(), releaser.release()]);
  expect(closed).toEqual(['b', 'a']);
});

test('one release that throws keeps none of the others from running, and is reported', async () => {
  const closed: string[] = [];
  const releaser = createReleaser();
  releaser.push('first', () => closed.push('first'));
  releaser.push('broken', () => {
    throw new Error('no');
  });
  await expect(releaser.release()).rejects.toThrow(/closing broken failed/);
  expect(closed).toEqual(['first']);
});

test('a release that hangs is given up at its deadline', async () => {
  const closed: string[] = [];
  const releaser = createReleaser({ deadlineMs: 10 });
  releaser.push('first', () => closed.push('first'));
  releaser.push('hanging', () => new Promise(() => undefined));
  await expect(releaser.release()).rejects.toThrow(/hanging/);
  expect(closed).toEqual(['first']);
});
