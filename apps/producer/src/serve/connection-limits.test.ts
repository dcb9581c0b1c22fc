import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { connectionLimits } from './connection-limits.ts';

let app: FastifyInstance;
afterEach(() => app.close());

async function open(limits: Parameters<typeof connectionLimits>[0]): Promise<Socket> {
  app = fastify(connectionLimits(limits));
  app.get('/', async () => 'answered');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('headers that are too large are refused', async () => {
  const socket = await open({});
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(17_000)}\r\n\r\n`);
  expect(await text(socket)).toMatch(/^HTTP\/1.1 431 /);
});

test('headers that do not arrive in time are refused, though something always comes', async () => {
  const socket = await open({ headersMs: 50 });
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n');
  const trickling = setInterval(() => socket.write('x: y\r\n'), 5);
  socket.on('error', () => undefined);
  expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
  clearInterval(trickling);
});

test('a connection on which nothing moves is closed, before a request and between two', async () => {
  const silent = await open({ idleMs: 50 });
  const used = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  used.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(await Promise.all([text(silent), text(used)])).toEqual(['', expect.stringMatching(/answered$/)]);
});
