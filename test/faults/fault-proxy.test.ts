/** The proxy itself: each fault is what it is called, and taking it away heals. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { createRandom } from './random.ts';

let server: Server;
let received: string;
let proxy: FaultProxy;

beforeEach(async () => {
  received = '';
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received += data.toString();
      socket.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, createRandom(1));
});
afterEach(async () => {
  await proxy.close();
  server.close();
});

function open(): Socket {
  const socket = connect(proxy.port, proxy.host);
  socket.on('error', () => undefined);
  return socket;
}

/** What comes back until so many characters are there, or the connection ends. */
async function echo(socket: Socket, text: string): Promise<string> {
  let back = '';
  socket.write(text);
  while (back.length < text.length) {
    const [piece] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [undefined])])) as [
      Buffer | undefined,
    ];
    if (piece === undefined) break;
    back += piece.toString();
  }
  return back;
}

const TEXT = 'abcdefghij'.repeat(20);

test.each<[string, Fault]>([
  ['latency', { kind: 'latency', ms: 5, jitterMs: 5 }],
  ['slice', { kind: 'slice', bytes: 7, pauseMs: 0 }],
  ['bandwidth', { kind: 'bandwidth', bytesPerSecond: 100_000 }],
])('%s: everything arrives, in order', async (_name, fault) => {
  await proxy.become(fault);
  const socket = open();
  expect(await echo(socket, TEXT)).toBe(TEXT);
  socket.destroy();
});

test('down: old connections end, new ones are refused, and come again afterwards', async () => {
  const before = open();
  expect(await echo(before, TEXT)).toBe(TEXT);
  const ended = new Promise((resolve) => before.once('close', resolve));
  await proxy.become({ kind: 'down' });
  await ended;
  const refused = connect(proxy.port, proxy.host);
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
  await proxy.become(undefined);
  const after = open();
  expect(await echo(after, TEXT)).toBe(TEXT);
  after.destroy();
});

test('half-open: nothing passes until it heals, then everything does', async () => {
  const socket = open();
  await echo(socket, 'x');
  await proxy.become({ kind: 'half-open' });
  const back = echo(socket, TEXT);
  await new Promise((resolve) => setImmediate(resolve));
  expect(received).toBe('x');
  await proxy.become(undefined);
  expect(await back).toBe(TEXT);
  socket.destroy();
});

test('drop-reply: the server has it, the client never hears', async () => {
  await proxy.become({ kind: 'drop-reply' });
  const socket = open();
  socket.write(TEXT);
  while (received.length < TEXT.length) await new Promise((resolve) => setImmediate(resolve));
  expect(socket.bytesRead).toBe(0);
  socket.destroy();
});

test('limit: the reply is cut after so many bytes', async () => {
  await proxy.become({ kind: 'limit', replyBytes: 30 });
  expect(await echo(open(), TEXT)).toBe(TEXT.slice(0, 30));
});

test('reset: the connection ends with RST', async () => {
  await proxy.become({ kind: 'reset', probability: 1 });
  const socket = connect(proxy.port, proxy.host);
  socket.write(TEXT);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});
