/**
 * A TCP proxy that does what networks do: one fault at a time, for every connection, from when it is set until it is taken away.
 * Every random choice comes from the seed, so that a run can be repeated.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.ts';

export type Fault =
  /** Every piece of data is late. */
  | { kind: 'latency'; ms: number; jitterMs: number }
  /** Connections are reset (RST) and new ones refused. */
  | { kind: 'down' }
  /** Connections stay and are accepted; nothing passes in either direction. */
  | { kind: 'half-open' }
  /** Requests are delivered, replies are swallowed. */
  | { kind: 'drop-reply' }
  /** A piece of data resets its connection instead of passing, so often of one. */
  | { kind: 'reset'; probability: number }
  /** Data passes in small pieces of random size with a pause between them. */
  | { kind: 'slice'; bytes: number; pauseMs: number }
  /** After so many bytes of replies a connection is cut. */
  | { kind: 'limit'; replyBytes: number }
  | { kind: 'bandwidth'; bytesPerSecond: number };

export interface FaultProxy {
  host: string;
  port: number;
  /** Undefined: everything passes. Data that a half-open connection kept passes then. */
  become(fault: Fault | undefined): Promise<void>;
  close(): Promise<void>;
}

type Direction = 'request' | 'reply';

export async function startFaultProxy(target: { host: string; port: number }, random: Random): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let fault: Fault | undefined;
  let changed = Promise.withResolvers<void>();
  let server: Server = await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(at: number): Promise<Server> {
    const listening = createServer(serve);
    listening.listen(at, '127.0.0.1');
    await once(listening, 'listening');
    return listening;
  }

  function serve(client: Socket): void {
    const upstream = connect(target);
    let replied = 0;
    const both = [client, upstream];
    const end = (reset: boolean) => {
      for (const socket of both) reset ? socket.resetAndDestroy() : socket.destroy();
    };
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => end(false));
      socket.once('close', () => {
        sockets.delete(socket);
        end(false);
      });
    }
    void pump(client, upstream, 'request');
    void pump(upstream, client, 'reply');

    /** One piece after the other: order holds whatever is waited for. */
    async function pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
      try {
        for await (const piece of from as AsyncIterable<Buffer>) await pass(piece, to, direction);
        to.end();
      } catch {
        end(false);
      }
    }

    async function pass(piece: Buffer, to: Socket, direction: Direction): Promise<void> {
      while (fault?.kind === 'half-open') await changed.promise;
      if (direction === 'reply') replied += piece.length;
      switch (fault?.kind) {
        case 'drop-reply':
          if (direction === 'reply') return;
          break;
        case 'latency':
          await pause(fault.ms + random.next() * fault.jitterMs);
          break;
        case 'reset':
          if (random.next() < fault.probability) return end(true);
          break;
        case 'limit':
          if (direction === 'reply' && replied > fault.replyBytes) {
            to.write(piece.subarray(0, Math.max(0, piece.length - (replied - fault.replyBytes))));
            to.end();
            return end(false);
          }
          break;
        case 'slice':
          return slice(piece, to, fault);
        case 'bandwidth':
          await pause((piece.length / fault.bytesPerSecond) * 1_000);
          break;
      }
      await write(to, piece);
    }
  }

  async function slice(piece: Buffer, to: Socket, how: { bytes: number; pauseMs: number }): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const size = random.between(1, how.bytes);
      await write(to, piece.subarray(at, at + size));
      await pause(how.pauseMs);
      at += size;
    }
  }

  return {
    host: '127.0.0.1',
    port,
    async become(next) {
      const wasDown = fault?.kind === 'down';
      fault = next;
      changed.resolve();
      changed = Promise.withResolvers();
      if (next?.kind === 'down') {
        for (const socket of sockets) socket.resetAndDestroy();
        if (!wasDown) await shut(server);
      } else if (wasDown) server = await listen(port);
    },
    async close() {
      fault = undefined;
      changed.resolve();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await shut(server);
    },
  };
}

async function shut(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

async function write(to: Socket, data: Buffer): Promise<void> {
  if (to.destroyed || to.write(data)) return;
  await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
