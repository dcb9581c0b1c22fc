import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { closeConnections } from './close-connections.ts';

test('closing ends a connection on which nothing was asked, and answers what is under way before it ends the others', async () => {
  const app = fastify();
  closeConnections(app);
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: answer, resolve } = Promise.withResolvers<string>();
  app.get('/slow', () => {
    ask();
    return answer;
  });
  app.get('/', async () => 'at once');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;

  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const kept = connect(port, '127.0.0.1');
  kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(kept, 'data');
  const waiting = connect(port, '127.0.0.1');
  waiting.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
  await asked;

  const closed = app.close();
  await Promise.all([once(silent.resume(), 'close'), once(kept, 'close')]);
  resolve('after all');
  expect(await text(waiting)).toContain('after all');
  await closed;
});
