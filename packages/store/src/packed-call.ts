/**
 * Sends a packed upsert as the SDK sends its own: a client of its pool, so the same connection, credentials, database, interceptors
 * and deadline, and the same reply with both of its status fields. Only the encoding of the request is ours.
 */
import type { MilvusClient, MutationResult } from '@zilliz/milvus2-sdk-node';

/** The SDK's interceptor prints every message as JSON for a log line that is off: these bytes say only how many they are. */
class PackedRequest {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  toJSON(): string {
    return `${this.bytes.length} bytes`;
  }
}

interface Method {
  path: string;
  responseDeserialize(bytes: Buffer): MutationResult;
}

/** Resolves with the reply, whatever its status says. Rejects with grpc-js' error. */
export async function upsertPacked(sdk: MilvusClient, bytes: Buffer, timeoutMs: number): Promise<MutationResult> {
  const pool = sdk.channelPool;
  const client = await pool.acquire();
  // What grpc-js' makeClientConstructor puts on every client class.
  const { Upsert } = (client.constructor as unknown as { service: { Upsert: Method } }).service;
  const { promise, resolve, reject } = Promise.withResolvers<MutationResult>();
  try {
    client.makeUnaryRequest(
      Upsert.path,
      (request: PackedRequest) => request.bytes,
      Upsert.responseDeserialize,
      new PackedRequest(bytes),
      { deadline: new Date(Date.now() + timeoutMs) },
      (error, reply) => (error === null ? resolve(reply!) : reject(error)),
    );
    return await promise;
  } finally {
    await pool.release(client);
  }
}
