/**
 * An engine that answers as a script says, otherwise with the vectors of the null engine, in the shape of jina-on-prem. For
 * "400 for every text that contains POISON", "503 twice, then right", "hangs on the third request".
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nullVector } from '@sluice/embedder';
import { type HttpReply, send } from './http-reply.ts';

export interface ScriptedCall {
  texts: readonly string[];
  /** The whole body of the request. */
  body: Readonly<Record<string, unknown>>;
  /** From 1. */
  request: number;
}

/** `undefined`: the null engine's vectors. `hang`: no answer until the server closes. `reset`: the connection is cut. */
export type Script = (
  call: ScriptedCall,
) => HttpReply | 'hang' | 'reset' | undefined | Promise<HttpReply | 'hang' | 'reset' | undefined>;

export interface ScriptedEngine {
  url: string;
  readonly requests: number;
  readonly rows: number;
  /** Texts received so far, in order. */
  texts(): string[];
  close(): Promise<void>;
}

export async function startScriptedEngine({
  script = () => undefined,
  dimension = 1024,
}: {
  script?: Script;
  /** Width of the null engine's vectors. */
  dimension?: number;
} = {}): Promise<ScriptedEngine> {
  const received: string[] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    if (request.method !== 'POST') return send(response, { status: 200, body: { status: 'ok' } });
    const body = JSON.parse(text) as { input: string[] };
    requests += 1;
    received.push(...body.input);
    const reply = await script({ texts: body.input, body, request: requests });
    if (reply === 'hang') return;
    if (reply === 'reset') return response.socket?.resetAndDestroy();
    send(response, reply ?? nullReply(body.input, dimension));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    get rows() {
      return received.length;
    },
    texts: () => [...received],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function nullReply(texts: readonly string[], dimension: number): HttpReply {
  const data = texts.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: Buffer.from(nullVector(text, dimension).buffer).toString('base64'),
  }));
  return { status: 200, body: { object: 'list', model: 'scripted', data, usage: { total_tokens: 0 } } };
}
