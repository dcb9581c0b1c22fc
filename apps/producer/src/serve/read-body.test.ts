/** A body that trickles in: the idle limit of a connection never sees it, a deadline does. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { sendProblem } from './problem.ts';
import { readBodies } from './read-body.ts';

test('a body that does not arrive in time is answered with 408 and its connection closed', async () => {
  const app = fastify();
  app.setErrorHandler(sendProblem);
  readBodies(app, { bodyMs: 30 });
  app.post('/', async () => 'read');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"id":');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('"code":"slow_request"');
  const next = await app.inject({ method: 'POST', url: '/', payload: { a: 1 } });
  expect(next.body).toBe('read');
  await app.close();
});

test.each([
  ['of a type that nobody reads', 'content-type: a/b\r\n'],
  ['of no type', ''],
])('a body %s is refused at once, and its connection closed when it does not arrive', async (_, type) => {
  const app = fastify();
  app.setErrorHandler(sendProblem);
  readBodies(app, { bodyMs: 30 });
  app.post('/', async () => 'read');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${type}content-length: 5\r\n\r\n`);
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 415 /);
  const next = await app.inject({ method: 'POST', url: '/', payload: { a: 1 } });
  expect(next.body).toBe('read');
  await app.close();
});

test('a body that nobody waits for is not read for ever', async () => {
  const app = fastify();
  app.setErrorHandler(sendProblem);
  readBodies(app, { bodyMs: 30 });
  app.addHook('onRequest', async (_request, reply) => reply.code(401).send());
  app.post('/', async () => 'read');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  const trickling = setInterval(() => socket.write('1\r\nx\r\n'), 5);
  await once(socket, 'close');
  clearInterval(trickling);
  await app.close();
});
