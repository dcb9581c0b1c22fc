/**
 * A Milvus whose answers can be scripted: gRPC passes through to the real one, call by call, except where the script answers
 * instead, with a status of its own, or lets a request wait.
 */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { getGRPCService, LOADER_OPTIONS } from '@zilliz/milvus2-sdk-node';

export interface MilvusEdge {
  host: string;
  port: number;
  /** Calls that came in, by name (`Upsert`). */
  readonly calls: ReadonlyMap<string, number>;
  become(script: EdgeScript | undefined): void;
  close(): Promise<void>;
}

export type EdgeAnswer =
  /** A resolved status: the name and code that Milvus gives. Everything else of the reply is empty. */
  | { errorCode: string; code: number; reason?: string }
  /** A rejected call. 12 is UNIMPLEMENTED, which the SDK shows as success. */
  | { grpcStatus: number }
  /** The request never reaches Milvus, and nobody answers. */
  | 'swallow'
  /** The request reaches Milvus when the promise resolves, even if its client is dead by then. */
  | { holdRequest: Promise<void> };

/** Undefined: the real Milvus answers. */
export type EdgeScript = (method: string) => EdgeAnswer | undefined;

const { service } = getGRPCService({ serviceName: 'milvus.proto.milvus.MilvusService' }, LOADER_OPTIONS);
/** Compression flag and length, before each gRPC message. */
const FRAME_BYTES = 5;

export async function startMilvusEdge(address: string): Promise<MilvusEdge> {
  const calls = new Map<string, number>();
  const sessions = new Set<ServerHttp2Session>();
  let script: EdgeScript | undefined;
  let upstream: ClientHttp2Session | undefined;
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    void serve(stream, headers as IncomingHttpHeaders & { ':path': string }).catch(() => stream.destroy());
  });

  function real(): ClientHttp2Session {
    if (upstream === undefined || upstream.closed || upstream.destroyed) {
      upstream = connect(`http://${address}`);
      upstream.on('error', () => undefined);
    }
    return upstream;
  }

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders & { ':path': string }): Promise<void> {
    const method = headers[':path'].slice(headers[':path'].lastIndexOf('/') + 1);
    calls.set(method, (calls.get(method) ?? 0) + 1);
    const answer = script?.(method);
    if (answer === 'swallow') return;
    if (answer !== undefined && !('holdRequest' in answer)) return reply(stream, method, answer);
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    await answer?.holdRequest;
    await forward(stream, headers, Buffer.concat(parts));
  }

  async function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer): Promise<void> {
    const onward = real().request(headers, { endStream: false });
    onward.on('error', () => stream.destroy());
    onward.end(body);
    const answered = once(onward, 'response') as Promise<[IncomingHttpHeaders]>;
    let trailers: IncomingHttpHeaders = {};
    onward.once('trailers', (sent) => {
      trailers = sent;
    });
    const [response] = await answered;
    const parts: Buffer[] = [];
    for await (const part of onward) parts.push(part as Buffer);
    if (stream.destroyed) return;
    const { ':status': status = 200, ...rest } = response;
    stream.respond({ ':status': status, ...rest }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(Buffer.concat(parts));
  }

  function reply(
    stream: ServerHttp2Stream,
    method: string,
    answer: Exclude<EdgeAnswer, 'swallow' | { holdRequest: Promise<void> }>,
  ): void {
    stream.resume();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    const grpcStatus = 'grpcStatus' in answer ? answer.grpcStatus : 0;
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(grpcStatus) }));
    stream.end('grpcStatus' in answer ? undefined : framed(method, answer));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    calls,
    become(next) {
      script = next;
    },
    async close() {
      upstream?.destroy();
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Messages have the status in a field; calls that answer with a bare status are given its fields, and ignore the other. */
function framed(
  method: string,
  { errorCode, code, reason = 'scripted' }: { errorCode: string; code: number; reason?: string },
): Buffer {
  const status = { error_code: errorCode, code, reason };
  const message = service[method]!.responseSerialize({ status, ...status });
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
