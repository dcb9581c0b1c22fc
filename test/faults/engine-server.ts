/**
 * An engine for fault tests: the OpenAI embeddings route over vectors that are a hash of the text, so that anybody can compute
 * again what must be stored. It is as slow as it is told to be, and a script may answer instead of it: 400, 429, a hang.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nullVector } from '@sluice/embedder';
import { type HttpReply, send } from '../support/http-reply.ts';

export const ENGINE_DIMENSION = 64;
export const STORED_DIMENSION = 32;
/** Longer texts are refused, as preflight asks: its probe has 57,000 characters, no chunk of a test has a tenth of it. */
const MAX_CHARACTERS = 40_000;

export interface EngineCall {
  texts: readonly string[];
  /** Counts from 1. */
  request: number;
}

/** Answers instead of the engine when it returns something; `hang` never answers. */
export type EngineScript = (
  call: EngineCall,
) => HttpReply | 'hang' | undefined | Promise<HttpReply | 'hang' | undefined>;

export interface EngineServerOptions {
  /** 0, the default: a free one. */
  port?: number;
  script?: EngineScript | undefined;
  /** How long a request takes. Default 0. */
  delayMs?: () => number;
  /** Told of every request that is about to be embedded. */
  onEmbed?: (texts: readonly string[]) => void;
}

export interface EngineServer {
  url: string;
  port: number;
  readonly requests: number;
  /** From now on this script answers; undefined: the engine itself. */
  become(script: EngineScript | undefined): void;
  close(): Promise<void>;
}

export async function startEngineServer(options: EngineServerOptions = {}): Promise<EngineServer> {
  let { script } = options;
  let requests = 0;

  async function answer(request: IncomingMessage): Promise<HttpReply | 'hang'> {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece as string;
    const { input } = JSON.parse(body) as { input: string[] };
    requests += 1;
    const scripted = await script?.({ texts: input, request: requests });
    if (scripted !== undefined) return scripted;
    if (input.some((text) => text.length > MAX_CHARACTERS))
      return { status: 400, body: { error: { code: 'too_long' } } };
    options.onEmbed?.(input);
    const delayMs = options.delayMs?.() ?? 0;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const data = input.map((text, index) => ({ index, embedding: base64(nullVector(text, ENGINE_DIMENSION)) }));
    return { status: 200, body: { object: 'list', data } };
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => reply !== 'hang' && send(response, reply),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get requests() {
      return requests;
    },
    become(next) {
      script = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
