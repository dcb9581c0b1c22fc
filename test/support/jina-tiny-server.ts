/**
 * A small HTTP server in the shape of jina-on-prem over the toy model of test/fixtures/jina-v3-tiny: right vectors of the real
 * architecture without weights or a GPU. Flags make it wrong in the ways that real engines are wrong, and a script may
 * answer instead of it.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createThread } from '@sluice/embedder';
import { type HttpReply, send } from './http-reply.ts';
import type { TinyAnswer, TinyQuestion } from './jina-tiny-thread.ts';

export const tinyFolder = fileURLToPath(new URL('../fixtures/jina-v3-tiny', import.meta.url));
export const TINY_DIMENSION = 64;

export interface JinaTinyOptions {
  /** `task` (default): as asked. `ignored`: the bare model. `text-matching`: that adapter, as vLLM serves the checkpoint. */
  adapter?: 'task' | 'ignored' | 'text-matching';
  /** How often the task's instruction is put before a text. Default 1. */
  prefixes?: 0 | 1 | 2;
  /** The same for queries. Default: as `prefixes`. */
  queryPrefixes?: 0 | 1 | 2;
  pooling?: 'mean' | 'cls';
  /** `other-seed`: another model of the same shape, right in itself. Default `first`. */
  weights?: 'first' | 'other-seed';
  /** What replies call the model, whatever name was asked for. Default: the name asked for. */
  called?: string;
  /** Cut over-long texts silently although `truncate` is false. */
  cutsSilently?: boolean;
  /** Answers instead of the model when it returns something. `request` counts from 1. */
  script?: (call: {
    texts: readonly string[];
    request: number;
  }) => HttpReply | undefined | Promise<HttpReply | undefined>;
}

export interface JinaTinyServer {
  url: string;
  /** Embedding requests so far, scripted ones included. */
  readonly requests: number;
  /** Texts of all embedding requests so far. */
  readonly rows: number;
  /** What each request held that the model answered: its rows, and the tokens of the longest, instruction and specials included. */
  sizes(): { rows: number; longest: number }[];
  /** Those texts, in the order received. */
  texts(): string[];
  /** From now on it behaves like this: as if the server were replaced by another one at the same address. */
  become(options: JinaTinyOptions): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const TASKS = ['retrieval.query', 'retrieval.passage', 'separation', 'classification', 'text-matching'];
const NO_TASK = 5;
const TEXT_MATCHING = 4;
const MAX_TOKENS = 8192;
const PROMPTS: Record<string, string> = {
  'retrieval.query': 'Represent the query for retrieving evidence documents: ',
  'retrieval.passage': 'Represent the document for retrieval: ',
};

interface Body {
  model?: string;
  input: string[];
  task?: string;
  dimensions?: number;
  normalized?: boolean;
  truncate?: boolean;
  embedding_type?: string;
}

export async function startJinaTinyServer(options: JinaTinyOptions = {}): Promise<JinaTinyServer> {
  let behaviour = options;
  const thread = createThread<TinyQuestion, TinyAnswer>({
    script: new URL('./jina-tiny-thread.ts', import.meta.url),
    what: 'The toy model',
    workerData: { folder: tinyFolder },
  });
  await thread.start();
  const received: string[] = [];
  const sizes: { rows: number; longest: number }[] = [];
  let requests = 0;

  async function answer(body: Body): Promise<HttpReply> {
    const {
      adapter = 'task',
      prefixes = 1,
      pooling = 'mean',
      weights = 'first',
      cutsSilently = false,
      called,
      script,
    } = behaviour;
    requests += 1;
    received.push(...body.input);
    const scripted = await script?.({ texts: body.input, request: requests });
    if (scripted !== undefined) return scripted;
    if (body.task !== undefined && !TASKS.includes(body.task)) return refused(400, 'bad_request');
    const times = body.task === 'retrieval.query' ? (behaviour.queryPrefixes ?? prefixes) : prefixes;
    const prompt = (body.task === undefined ? undefined : PROMPTS[body.task]) ?? '';
    const cut = body.truncate === true || cutsSilently;
    const { vectors, tokens } = await thread.call({
      texts: body.input.map((text) => prompt.repeat(times) + (cut ? text.slice(0, MAX_TOKENS) : text)),
      taskId: taskId(body.task, adapter),
      pooling,
      weights,
      maxTokens: MAX_TOKENS,
    });
    sizes.push({ rows: tokens.length, longest: Math.max(...tokens) });
    if (vectors.includes(null)) return refused(400, 'INPUT_TOKEN_LIMIT_EXCEEDED');
    // As recorded: a width within the catalogue's 1,024 but above the model's own gives the full width.
    const width = Math.min(body.dimensions ?? TINY_DIMENSION, TINY_DIMENSION);
    const embeddings = vectors.map((vector) => shown(vector!.subarray(0, width), body));
    // usage leaves out the instruction that the server adds.
    const instruction = prompt === '' ? 0 : INSTRUCTION_TOKENS[body.task!]! * times;
    const total = tokens.reduce((sum, count) => sum + count - instruction, 0);
    return {
      status: 200,
      body: {
        model: called ?? body.model,
        object: 'list',
        usage: { total_tokens: total, prompt_tokens: total },
        data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
      },
    };
  }

  function taskId(task: string | undefined, adapter: JinaTinyOptions['adapter']): number {
    if (adapter === 'text-matching') return TEXT_MATCHING;
    return adapter === 'ignored' || task === undefined ? NO_TASK : TASKS.indexOf(task);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    if (request.url === '/health') return send(response, { status: 200, body: { status: 'ok', ready: true } });
    if (request.url !== '/v1/embeddings') return send(response, { status: 404, body: { detail: 'Not Found' } });
    send(response, await answer(JSON.parse(text) as Body));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => send(response, refused(500, 'internal_error')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await thread.close();
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    get rows() {
      return received.length;
    },
    sizes: () => [...sizes],
    texts: () => [...received],
    become(next) {
      behaviour = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** golden.json, `prompt_tokens`. */
const INSTRUCTION_TOKENS: Record<string, number> = { 'retrieval.query': 12, 'retrieval.passage': 9 };

function shown(vector: Float32Array, { normalized = true, embedding_type }: Body): string | number[] {
  const length = normalized ? Math.hypot(...vector) : 1;
  const scaled = vector.map((value) => value / length);
  return embedding_type === 'base64' ? Buffer.from(scaled.buffer).toString('base64') : [...scaled];
}

function refused(status: number, code: string): HttpReply {
  return { status, body: { detail: { message: 'refused', request_id: randomUUID(), code } } };
}
