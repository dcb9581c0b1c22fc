/**
 * Milvus at the network's edge, for answers that no real server can be brought to give (rate limits, a request that is too large,
 * a schema that changed) and for seeing the very bytes and headers that a client sends. Plain HTTP/2 with gRPC frames; replies are
 * encoded with the SDK's own service definition.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { getGRPCService, LOADER_OPTIONS } from '@zilliz/milvus2-sdk-node';

export interface Received {
  /** Name of the call, such as `Upsert`. */
  method: string;
  headers: IncomingHttpHeaders;
  /** The message, without its frame. */
  bytes: Buffer;
}

/** A reply message, or a gRPC status other than 0. */
export type Answer = Record<string, unknown> | { grpcStatus: number; grpcMessage: string };

export interface FakeMilvus {
  address: string;
  /** Every call, in the order they came in. */
  received: Received[];
  close(): Promise<void>;
}

const OK = { status: { error_code: 'Success', code: 0 } };
const { service } = getGRPCService({ serviceName: 'milvus.proto.milvus.MilvusService' }, LOADER_OPTIONS);

/** `answer` is asked for each call; what it leaves undefined is answered with plain success. */
export async function startFakeMilvus(
  answer: (call: Received) => Answer | undefined | Promise<Answer | undefined>,
): Promise<FakeMilvus> {
  const received: Received[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    void reply(stream, headers);
  });

  async function reply(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    const path = String(headers[':path']);
    const method = path.slice(path.lastIndexOf('/') + 1);
    const call = { method, headers, bytes: Buffer.concat(parts).subarray(5) };
    received.push(call);
    const given = (await answer(call)) ?? OK;
    const failed = 'grpcStatus' in given;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () =>
      stream.sendTrailers(
        failed
          ? { 'grpc-status': String(given.grpcStatus), 'grpc-message': String(given.grpcMessage) }
          : { 'grpc-status': '0' },
      ),
    );
    stream.end(failed ? undefined : framed(service[method]!.responseSerialize(given)));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What an upsert of so many rows is answered when it is stored. */
export function stored(rows: number): Answer {
  return { ...OK, upsert_cnt: rows, insert_cnt: rows, delete_cnt: rows };
}

/** The message of a request, decoded as the server would. */
export function decoded({ method, bytes }: Received): Record<string, unknown> {
  return service[method]!.requestDeserialize(bytes) as Record<string, unknown>;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
