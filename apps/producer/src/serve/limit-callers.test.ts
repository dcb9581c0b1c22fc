import fastify from 'fastify';
import { expect, test } from 'vitest';
import { callerOf } from './caller.ts';
import { countBodies } from './count-bodies.ts';
import { limitCallers } from './limit-callers.ts';
import { sendProblem } from './problem.ts';

const LIMITS = { bytes: 1_000, requests: undefined, tokens: undefined };

test('a chunked body that is refused, or too large, is paid for by the next request of its key', async () => {
  const spent: (number | undefined)[] = [];
  let waitMs = 0;
  const app = fastify({ bodyLimit: 100_000 });
  app.setErrorHandler(sendProblem);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    request.caller = callerOf({ id: 'k', name: 'k', scopes: [], lines: [], limits: LIMITS, createdAt: 0 });
  });
  const { arrived } = limitCallers(app, {
    async spend(_key, _limits, { bytes }) {
      spent.push(bytes);
      return waitMs;
    },
  });
  countBodies(app, arrived);
  app.post('/', async () => 'read');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const send = async (bytes: number) => {
    const body = new Blob([JSON.stringify('x'.repeat(bytes - 2))]).stream();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' };
    return (await fetch(app.listeningOrigin, init as RequestInit)).status;
  };
  expect(await send(900)).toBe(200);
  // Nothing is known when it begins, all of it when it is there.
  expect(spent).toEqual([0, 900]);
  expect(await send(200_000)).toBe(413);
  waitMs = 1_000;
  expect(await send(10)).toBe(429);
  expect(spent.at(-1)).toBeGreaterThan(100_000);
  await app.close();
});
