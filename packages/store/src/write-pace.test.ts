import { SluiceError, silentLogger } from '@sluice/core';
import { expect, test } from 'vitest';
import { createWritePace } from './write-pace.ts';

const busy = () => new SluiceError('store_busy', { message: 'slow down' });

test('requests that were under way together and are all refused count as one refusal', async () => {
  const pace = createWritePace({ logger: silentLogger });
  const answers: ((error: Error) => void)[] = [];
  const send = () => new Promise<void>((_resolve, reject) => answers.push(reject));
  const write = () => pace.run(1_000_000, send).catch(() => undefined);

  const together = [write(), write(), write(), write()];
  await expect.poll(() => answers.length).toBe(4);
  for (const refuse of answers.splice(0)) refuse(busy());
  await Promise.all(together);
  expect(pace.concurrency).toBe(2);

  // One that begins afterwards is another event.
  const later = write();
  await expect.poll(() => answers.length).toBe(1);
  answers[0]!(busy());
  await later;
  expect(pace.concurrency).toBe(1);
});
