import fastify from 'fastify';
import { expect, test } from 'vitest';
import { callerOf } from '../serve/caller.ts';
import { sendProblem } from '../serve/problem.ts';
import { liveRoutes } from './live.ts';

test('one key has half of the open live pages at most, and has them again when they are closed', async () => {
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler(sendProblem);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    const id = String(request.headers['x-key']);
    request.caller = callerOf({ id, name: id, scopes: ['read'], lines: [], limits: {} as never, createdAt: 0 });
  });
  const closing = new AbortController();
  liveRoutes(app, {
    line: 'main',
    feed: { latest: undefined, history: [[], [], []], watch: () => () => undefined, close: async () => undefined },
    keys: {} as never,
    closing: closing.signal,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  const open = (key: string, signal = closing.signal) =>
    fetch(`${app.listeningOrigin}/live/events`, { headers: { 'x-key': key }, signal });
  await Promise.all(Array.from({ length: 99 }, () => open('flood')));
  await open('flood', leaving.signal);
  expect((await open('flood')).status).toBe(503);
  expect((await open('other')).status).toBe(200);
  leaving.abort();
  while ((await open('flood')).status !== 200);
  closing.abort();
  await app.close();
});
