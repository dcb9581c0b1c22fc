/**
 * Any engine over HTTP, in the Jina protocol: `POST /v1/embeddings`, `GET /health`, `GET /metrics`. A box with a GPU needs
 * nothing but Sluice.
 *
 * States: *loading* (503 everywhere but /metrics), *ready*, *failed* (503 with the code), *closing* (connections are let
 * finish). A request without a task is refused: no engine of ours gives the bare model's vectors by accident.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, isSluiceError, type Logger, SluiceError, systemClock } from '@sluice/core';
import type { Engine } from '../engine.ts';
import { cutVector } from '../matryoshka.ts';
import type { ModelledEngine } from '../modelled/modelled-engine.ts';
import { type EmbeddingsRequest, readEmbeddingsRequest } from './embeddings-request.ts';
import { createEngineMetrics } from './engine-metrics.ts';

/** A modelled engine says what its devices did. */
type ServedEngine = Engine & Partial<Pick<ModelledEngine, 'statistics'>>;

export interface EngineServerOptions {
  /** The server listens at once and answers 503 until this resolves. */
  engine: Promise<ServedEngine>;
  /** What replies call the model. */
  model: string;
  /** Default 127.0.0.1: there is no encryption here. */
  host?: string;
  /** 0 chooses a free one. */
  port: number;
  /** When set, requests need it as bearer key; /health and /metrics do not. */
  apiKey?: string | undefined;
  /** Requests that may be under way or wait; more get 429. Default 64. */
  maxInFlight?: number;
  /** Bytes of a body at most; more get 413. Default 8 MiB: parsing them takes 40 ms, in which nothing else is answered. */
  maxBodyBytes?: number;
  logger: Logger;
  clock?: Clock;
}

export interface EngineServer {
  url: string;
  /** Lets requests under way finish, then closes the engine. */
  close(): Promise<void>;
}

interface Reply {
  status: number;
  /** A string, or what becomes JSON; a list of buffers is JSON already. */
  body: unknown;
  headers?: Record<string, string>;
}

/** Components of vectors that are written before others get their turn: 4 ms as numbers. */
const COMPONENTS_A_TURN = 16_384;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Throws `port_taken`. */
export async function serveEngine(options: EngineServerOptions): Promise<EngineServer> {
  const { model, host = '127.0.0.1', port, apiKey, maxInFlight = 64, maxBodyBytes = 8 * 1024 * 1024, logger } = options;
  const clock = options.clock ?? systemClock;
  const metrics = createEngineMetrics();
  let engine: ServedEngine | undefined;
  let failure: string | undefined;
  let inFlight = 0;
  const loading = options.engine.then(
    (loaded) => {
      engine = loaded;
    },
    (error: unknown) => {
      failure = isSluiceError(error) ? error.code : 'load_failed';
      logger.error({ err: error }, 'the engine could not be loaded');
    },
  );

  const server = createServer((request, response) => {
    const startedMs = clock.monotonicMs();
    answer(request, response)
      .catch((error: unknown) => {
        logger.error({ err: error }, 'request failed');
        return refused(500, 'internal_error', 'The engine failed');
      })
      .then((reply) => {
        if (request.url === '/v1/embeddings') metrics.answered(reply.status, clock.monotonicMs() - startedMs);
        send(response, reply);
      });
  });

  function underWay(): number {
    return inFlight + (engine?.abandoned ?? 0);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const path = request.url?.split('?')[0];
    if (path === '/health' && request.method === 'GET') return health();
    if (path === '/metrics' && request.method === 'GET') {
      return {
        status: 200,
        body: metrics.text({
          inFlight: underWay(),
          ready: engine !== undefined,
          devices: engine?.statistics?.() ?? [],
        }),
        headers: { 'content-type': 'text/plain; version=0.0.4' },
      };
    }
    if (path !== '/v1/embeddings') return refused(404, 'not_found', 'The one route is POST /v1/embeddings');
    if (request.method !== 'POST') return refused(405, 'method_not_allowed', 'The one route is POST /v1/embeddings');
    if (apiKey !== undefined && !sameKey(request.headers.authorization, `Bearer ${apiKey}`)) {
      return refused(401, 'AUTH_INVALID', 'The API key is missing or wrong');
    }
    if (engine === undefined) return unavailable();
    if (underWay() >= maxInFlight) {
      return {
        ...refused(429, 'overloaded', `${maxInFlight} requests are under way`),
        headers: { 'retry-after': '1' },
      };
    }
    inFlight += 1;
    try {
      const body = await readBody(request, maxBodyBytes);
      if (body === undefined) return refused(413, 'body_too_large', `At most ${maxBodyBytes} bytes`);
      return await embed(engine, body, response);
    } finally {
      inFlight -= 1;
    }
  }

  async function embed(ready: Engine, bytes: Buffer, response: ServerResponse): Promise<Reply> {
    let body: unknown;
    try {
      const text = bytes.toString('utf8');
      await nextTurn();
      body = JSON.parse(text);
      await nextTurn();
    } catch {
      return invalid([{ field: 'body', message: 'no JSON', type: 'json_invalid' }]);
    }
    const read = readEmbeddingsRequest(body, { maxRows: ready.profile.maxRows, dimension: ready.fullDimension });
    if ('problems' in read) return invalid(read.problems);
    const { request } = read;
    const hungUp = new AbortController();
    response.once('close', () => hungUp.abort(new SluiceError('engine_rejected', { message: 'The client hung up' })));
    try {
      const { vectors, usageTokens = 0 } = await ready.embed({
        texts: request.texts,
        tokens: request.texts.map(() => 0), // an engine in-process has no deadline to derive from them
        role: request.role,
        task: request.task,
        signal: hungUp.signal,
      });
      metrics.embedded(vectors.length, usageTokens);
      return { status: 200, body: await written(vectors, usageTokens, request) };
    } catch (error) {
      return failed(error);
    }
  }

  async function written(
    vectors: readonly (Float32Array | null)[],
    usageTokens: number,
    request: EmbeddingsRequest,
  ): Promise<Buffer[]> {
    const usage = { total_tokens: usageTokens, prompt_tokens: usageTokens };
    const head = JSON.stringify({ model, object: 'list', usage });
    const pieces = [Buffer.from(`${head.slice(0, -1)},"data":[`)];
    let components = 0;
    for (const [index, vector] of vectors.entries()) {
      const item = JSON.stringify({ object: 'embedding', index, embedding: shown(vector, request) });
      pieces.push(Buffer.from(index === 0 ? item : `,${item}`));
      components += vector?.length ?? 0;
      if (components >= COMPONENTS_A_TURN) {
        components = 0;
        await nextTurn();
      }
    }
    pieces.push(Buffer.from(']}'));
    return pieces;
  }

  function health(): Reply {
    if (engine === undefined) return unavailable();
    const { profile, fullDimension } = engine;
    return { status: 200, body: { status: 'ok', ready: true, model, dimension: fullDimension, engine: profile.name } };
  }

  function unavailable(): Reply {
    return failure === undefined
      ? { ...refused(503, 'model_not_loaded', 'The model is still loading'), headers: { 'retry-after': '5' } }
      : refused(503, failure, 'The model could not be loaded; the log says why');
  }

  await listen(server, port, host);
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
      await loading;
      await engine?.close();
    },
  };
}

async function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new SluiceError('port_taken', { message: 'The port is in use', where: `${host}:${port}`, cause });
  }
}

/** Undefined when it is larger than allowed; the rest is then not kept. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= maxBytes) pieces.push(piece);
  }
  return bytes > maxBytes ? undefined : Buffer.concat(pieces);
}

/** Null where the engine has no vector for this text: the client then knows which one it was. */
function shown(
  vector: Float32Array | null,
  { dimensions, normalized, base64 }: EmbeddingsRequest,
): string | number[] | null {
  if (vector === null) return null;
  const width = dimensions ?? vector.length;
  const cut = normalized ? cutVector(vector, width) : vector.slice(0, width);
  return base64 ? Buffer.from(cut.buffer, cut.byteOffset, cut.byteLength).toString('base64') : [...cut];
}

/** Our own errors carry no document text, so their words may be answered. */
function failed(error: unknown): Reply {
  if (!isSluiceError(error)) throw error;
  const status = { dead: 400, split: 413, retry: 503, stop: 500, unknown: 500 }[error.verdict];
  return refused(status, error.code, error.what);
}

function invalid(errors: { field: string; message: string; type: string }[]): Reply {
  const [first] = errors;
  const detail = `Validation error: '${first?.field}' ${first?.message}`;
  return { status: 422, body: { detail, request_id: randomUUID(), errors } };
}

function refused(status: number, code: string, message: string): Reply {
  return { status, body: { detail: { message, request_id: randomUUID(), code } } };
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  const pieces = Array.isArray(body)
    ? (body as Buffer[])
    : [Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))];
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
  for (const piece of pieces) response.write(piece);
  response.end();
}

function sameKey(given: string | undefined, right: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
