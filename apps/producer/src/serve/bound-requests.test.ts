import { type AddressInfo, connect, type Socket } from 'node:net';
import fastify from 'fastify';
import { expect, test, vi } from 'vitest';
import { boundRequests } from './bound-requests.ts';
import { countBodies } from './count-bodies.ts';
import { sendProblem } from './problem.ts';

const MIB = 1_048_576;

test('bodies in hand are bounded in bytes, those that come and those that are only announced', async () => {
  const app = fastify({ bodyLimit: 16 * MIB, forceCloseConnections: true });
  app.setErrorHandler(sendProblem);
  let heads = 0;
  const bounds = boundRequests(app, { maxRequestBytes: 16 * MIB });
  app.addHook('preParsing', async () => {
    heads += 1;
  });
  countBodies(app, bounds.arrived);
  app.post('/', async () => 'read');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const announce = (bytes: number): Socket => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`);
    return socket;
  };
  const send = async (body: string | ReadableStream) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' };
    return (await fetch(app.listeningOrigin, init as RequestInit)).status;
  };
  const small = JSON.stringify('x'.repeat(1_000));

  const announced = Array.from({ length: 8 }, () => announce(16 * MIB - 100));
  await vi.waitUntil(() => heads === announced.length, { timeout: 20_000 });
  expect(await send(small)).toBe(503);
  expect(await send(new Blob([small]).stream())).toBe(503);
  expect(await send('"small"')).toBe(200);
  announced[0]!.destroy();
  while ((await send(small)) !== 200);
  for (const socket of announced) socket.destroy();
  await app.close();
});
