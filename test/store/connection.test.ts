/** What a person is told when Milvus is not there or does not know them, and that a process survives it. */
import { createServer } from 'node:net';
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import { expect, test } from 'vitest';
import { sharedStack } from '../support/stack.ts';

test('a healthy server says its version', async () => {
  const store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
  await store.checkHealth();
  expect(await store.version()).toMatch(/2\.3|milvus_lite/);
  await store.close();
});

test('nobody listening is an outage: retry', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  await expect(
    connectStore({ address: `127.0.0.1:${port}`, logger: silentLogger, timeoutMs: 3_000 }),
  ).rejects.toMatchObject({
    code: 'store_unreachable',
    verdict: 'retry',
  });
});

test.each([{ username: 'root', password: 'wrong' }, {}])(
  'wrong or missing credentials stop, and name the settings: %o',
  async (credentials) => {
    const { address } = sharedStack().milvus;
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    await expect(connectStore({ address, ...credentials, logger: silentLogger })).rejects.toMatchObject({
      code: 'store_refused_key',
      verdict: 'stop',
      fix: expect.stringContaining('SLUICE_MILVUS_PASSWORD'),
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  },
);
