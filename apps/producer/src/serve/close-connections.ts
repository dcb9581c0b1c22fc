/**
 * Closing without waiting for anybody's patience: when the service begins to close, a connection on which nothing is under way is
 * closed at once, any other one when its answer is out. Node itself takes a connection on which nothing was asked yet (browsers
 * and pools open them in advance) for one whose request is on its way, and waits for it.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

export function closeConnections(app: FastifyInstance): void {
  /** Answers under way on each. */
  const connections = new Map<Socket, number>();
  let closing = false;

  function count(socket: Socket, by: number): void {
    const underWay = connections.get(socket);
    if (underWay === undefined) return;
    connections.set(socket, underWay + by);
    if (closing && underWay + by === 0) socket.destroy();
  }

  app.server.on('connection', (socket: Socket) => {
    connections.set(socket, 0);
    socket.once('close', () => connections.delete(socket));
  });
  app.server.on('request', (request, response) => {
    const { socket } = request;
    count(socket, 1);
    response.once('close', () => count(socket, -1));
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of connections.keys()) count(socket, 0);
  });
}
