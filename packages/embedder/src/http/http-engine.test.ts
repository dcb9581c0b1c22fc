/** The client against a real HTTP server that answers as told: every bad reply, and what the caller hears of it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSluiceError, type SluiceError, silentLogger } from '@sluice/core';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbedRequest, Engine } from '../engine.ts';
import { nullVector } from '../null-engine.ts';
import { profiles } from '../profiles.ts';
import { createHttpEngine } from './http-engine.ts';

const DIMENSION = 8;
const SECRET_TEXT = 'the text of a document that must not leak';

type Answer = (request: Asked, response: ServerResponse) => unknown;
interface Asked {
  url: string;
  headers: IncomingMessage['headers'];
  body: { input: string[]; [field: string]: unknown };
}

let server: Server | undefined;
let engine: Engine | undefined;
afterEach(async () => {
  await engine?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

async function engineThatGets(answer: Answer, deadline = { baseMs: 5_000, perTokenMs: 1 }, path = ''): Promise<Engine> {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    answer(
      { url: request.url ?? '', headers: request.headers, body: text === '' ? { input: [] } : JSON.parse(text) },
      response,
    );
  });
  await new Promise((resolve) => server!.listen(0, '127.0.0.1', () => resolve(undefined)));
  engine = createHttpEngine({
    profile: profiles.jina!,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    apiKey: 'key-1',
    servedModel: 'toy',
    fullDimension: DIMENSION,
    logger: silentLogger,
    deadline,
  });
  return engine;
}

const request = (texts = [SECRET_TEXT, 'b']): EmbedRequest => ({ texts, tokens: texts.map(() => 5), role: 'passage' });
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const base64 = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
const item = (text: string, index: number, as: 'base64' | 'floats' = 'base64') => {
  const vector = nullVector(text, DIMENSION);
  return { object: 'embedding', index, embedding: as === 'base64' ? base64(vector) : [...vector] };
};
const data = (...items: unknown[]): Answer => json(200, { object: 'list', data: items, usage: { total_tokens: 9 } });

async function failure(answer: Answer, deadline?: { baseMs: number; perTokenMs: number }): Promise<SluiceError> {
  const made = await engineThatGets(answer, deadline);
  const error: unknown = await made.embed(request()).catch((thrown: unknown) => thrown);
  if (!isSluiceError(error)) throw error;
  // Whatever went wrong, nothing of the document is in what a log would print.
  expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(SECRET_TEXT);
  return error;
}
const facts = ({ code, verdict, retryAfterMs }: SluiceError) => ({
  code,
  verdict,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

describe('a right reply', () => {
  it('asks for the full width, unit length, no cut and base64, with the task and the key', async () => {
    const asked: Asked[] = [];
    const made = await engineThatGets(
      (got, response) => {
        asked.push(got);
        data(item('a', 0), item('b', 1))(got, response);
      },
      undefined,
      '/prefix/',
    );
    await made.embed(request(['a', 'b']));
    await made.embed({ ...request(['a', 'b']), role: 'query' });
    await made.embed({ ...request(['a', 'b']), role: 'none' });
    expect(asked[0]!.url).toBe('/prefix/v1/embeddings');
    expect(asked[0]!.headers.authorization).toBe('Bearer key-1');
    expect(asked[0]!.body).toEqual({
      model: 'toy',
      task: 'retrieval.passage',
      dimensions: DIMENSION,
      normalized: true,
      truncate: false,
      embedding_type: 'base64',
      input: ['a', 'b'],
    });
    expect(asked[1]!.body.task).toBe('retrieval.query');
    expect(asked[2]!.body).not.toHaveProperty('task');
  });

  it.each([null, { total_tokens: null }, { total_tokens: '9' }, { total_tokens: -1 }, { prompt_tokens: 9 }, 'none'])(
    'gives its vectors whatever usage says: %j',
    async (usage) => {
      const made = await engineThatGets(json(200, { object: 'list', data: [item('a', 0)], usage }));
      expect(await made.embed(request(['a']))).toMatchObject({
        vectors: [nullVector('a', DIMENSION)],
        usageTokens: undefined,
      });
    },
  );

  it.each(['base64', 'floats'] as const)(
    'gives the vectors in the order of the texts from a shuffled reply (%s)',
    async (as) => {
      const made = await engineThatGets(data(item('c', 2, as), item('a', 0, as), item('b', 1, as)));
      const reply = await made.embed(request(['a', 'b', 'c']));
      expect(reply.vectors).toEqual(['a', 'b', 'c'].map((text) => nullVector(text, DIMENSION)));
      expect(reply.usageTokens).toBe(9);
    },
  );

  it('reuses its connections', async () => {
    let connections = 0;
    const made = await engineThatGets(data(item('a', 0)));
    server!.on('connection', () => connections++);
    for (let i = 0; i < 10; i++) await made.embed(request(['a']));
    expect(connections).toBeLessThanOrEqual(2); // a request right after another may find its connection not yet free
  });

  it('costs an item that came back broken only itself', async () => {
    const nan = nullVector('n', DIMENSION);
    nan[3] = Number.NaN;
    const made = await engineThatGets(
      data(
        { index: 0, embedding: null },
        { index: 1, embedding: [null, ...nullVector('b', DIMENSION).slice(1)] },
        { index: 2, embedding: base64(nan) },
        item('good', 3),
      ),
    );
    const reply = await made.embed(request(['a', 'b', 'n', 'good']));
    expect(reply.vectors.map((vector) => vector !== null)).toEqual([false, false, false, true]);
  });

  it("reads Python's bare NaN and Infinity", async () => {
    const good = JSON.stringify(item('good', 1, 'floats'));
    const made = await engineThatGets((_, response) =>
      response.end(`{"data":[{"index":0,"embedding":[NaN, -Infinity,${'0,'.repeat(DIMENSION - 3)}0]},${good}]}`),
    );
    const reply = await made.embed(request(['a', 'good']));
    expect(reply.vectors).toEqual([null, nullVector('good', DIMENSION)]);
  });

  it('lets a zero vector through: cutting it names it', async () => {
    const made = await engineThatGets(data({ index: 0, embedding: new Array(DIMENSION).fill(0) }));
    expect((await made.embed(request(['a']))).vectors[0]).toEqual(new Float32Array(DIMENSION));
  });
});

describe('a reply that is not what the protocol promises', () => {
  const html: Answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>login</html>');
  const cut: Answer = (_, response) =>
    response.end(JSON.stringify({ data: [item('a', 0), item('b', 1)] }).slice(0, -20));
  const long = nullVector('a', DIMENSION).map((value) => value * 8);

  it.each<[string, Answer, string, string]>([
    ['HTML with 200', html, 'engine_bad_reply', 'unknown'],
    ['a JSON body cut short', cut, 'engine_bad_reply', 'unknown'],
    ['fewer vectors', data(item('a', 0)), 'engine_bad_reply', 'unknown'],
    ['more vectors', data(item('a', 0), item('b', 1), item('c', 2)), 'engine_bad_reply', 'unknown'],
    ['an index twice', data(item('a', 0), item('b', 0)), 'engine_bad_reply', 'unknown'],
    ['an index out of range', data(item('a', 1), item('b', 2)), 'engine_bad_reply', 'unknown'],
    ['no index', data({ embedding: [] }, { embedding: [] }), 'engine_bad_reply', 'unknown'],
    ['no data', json(200, { ok: true }), 'engine_bad_reply', 'unknown'],
    [
      'text that is not base64',
      data({ index: 0, embedding: '?'.repeat(43) }, item('b', 1)),
      'engine_bad_reply',
      'unknown',
    ],
    ['an object for a vector', data({ index: 0, embedding: {} }, item('b', 1)), 'engine_bad_reply', 'unknown'],
    ['vectors of length 8', data({ index: 0, embedding: [...long] }, item('b', 1)), 'not_normalised', 'stop'],
    [
      'another dimension, base64',
      data({ index: 0, embedding: base64(new Float32Array(4).fill(0.5)) }, item('b', 1)),
      'wrong_dimension',
      'stop',
    ],
    ['another dimension, floats', data({ index: 0, embedding: [1, 0, 0] }, item('b', 1)), 'wrong_dimension', 'stop'],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/login' }).end(), 'engine_bad_reply', 'stop'],
    ['no content', (_, response) => response.writeHead(204).end(), 'engine_bad_reply', 'unknown'],
  ])('%s', async (_, answer, code, verdict) => {
    expect(facts(await failure(answer))).toEqual({ code, verdict });
  });

  it('larger than any right reply is not read to its end', async () => {
    const endless: Answer = (_, response) => {
      response.writeHead(200);
      const piece = Buffer.alloc(65_536, 32);
      const write = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', write);
      write();
    };
    expect((await failure(endless)).code).toBe('engine_bad_reply');
  });
});

describe('a refusal', () => {
  const plain =
    (status: number, text: string, headers = {}): Answer =>
    (_, response) =>
      response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text);
  const detail = (code: string) => ({ detail: { message: SECRET_TEXT, request_id: 'x', code } });

  it.each<[string, Answer, { code: string; verdict: string; retryAfterMs?: number }]>([
    [
      '400 that names the limit',
      json(400, detail('INPUT_TOKEN_LIMIT_EXCEEDED')),
      { code: 'engine_rejected', verdict: 'dead' },
    ],
    [
      '400 that echoes the input',
      json(400, { detail: [{ input: SECRET_TEXT }] }),
      { code: 'engine_rejected', verdict: 'dead' },
    ],
    ['422', json(422, detail('x')), { code: 'engine_rejected', verdict: 'dead' }],
    ['401 with an empty body', plain(401, ''), { code: 'engine_refused_key', verdict: 'stop' }],
    ['402', json(402, detail('PAYMENT')), { code: 'engine_refused_key', verdict: 'stop' }],
    ['403', json(403, {}), { code: 'engine_refused_key', verdict: 'stop' }],
    ['404', plain(404, ''), { code: 'engine_bad_reply', verdict: 'stop' }],
    ['413 as JSON', json(413, detail('body_too_large')), { code: 'engine_too_large', verdict: 'split' }],
    ['413 of jina-on-prem', json(413, detail('payload_too_large')), { code: 'engine_out_of_memory', verdict: 'split' }],
    ['413 of our own', json(413, detail('engine_out_of_memory')), { code: 'engine_out_of_memory', verdict: 'split' }],
    ['413 as text', plain(413, 'length limit exceeded'), { code: 'engine_too_large', verdict: 'split' }],
    [
      '424',
      json(424, { message: SECRET_TEXT, code: 424, type: 'Backend' }),
      { code: 'engine_too_large', verdict: 'split' },
    ],
    [
      '500 with a memory code',
      json(500, { error: { type: 'OutOfMemoryError' } }),
      { code: 'engine_out_of_memory', verdict: 'split' },
    ],
    ['429', json(429, { type: 'Overloaded' }), { code: 'engine_busy', verdict: 'retry' }],
    [
      '429 with seconds',
      plain(429, '', { 'retry-after': '7' }),
      { code: 'engine_busy', verdict: 'retry', retryAfterMs: 7_000 },
    ],
    ['429 with nonsense', plain(429, '', { 'retry-after': 'soon' }), { code: 'engine_busy', verdict: 'retry' }],
    ['503 while loading', json(503, detail('model_not_loaded')), { code: 'engine_busy', verdict: 'retry' }],
    [
      '503 with a wait of years',
      plain(503, '', { 'retry-after': '99999999' }),
      { code: 'engine_busy', verdict: 'retry', retryAfterMs: 600_000 },
    ],
    ['502', plain(502, '<html>'), { code: 'engine_unreachable', verdict: 'retry' }],
    ['504', plain(504, ''), { code: 'engine_timeout', verdict: 'retry' }],
    [
      '500',
      json(500, { error: { message: SECRET_TEXT, type: 'InternalServerError' } }),
      { code: 'engine_failed', verdict: 'unknown' },
    ],
  ])('%s', async (_, answer, expected) => {
    expect(facts(await failure(answer))).toEqual(expected);
  });

  it('understands Retry-After as a date', async () => {
    const error = await failure(plain(503, '', { 'retry-after': new Date(Date.now() + 30_000).toUTCString() }));
    expect(error.retryAfterMs).toBeGreaterThan(25_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(30_000);
  });

  it('says status and code, so that an operator can look it up', async () => {
    expect((await failure(json(400, detail('INPUT_TOKEN_LIMIT_EXCEEDED')))).got).toBe(
      'HTTP 400 INPUT_TOKEN_LIMIT_EXCEEDED',
    );
  });
});

describe('an outage', () => {
  it('a hang ends at the deadline, which grows with the tokens', async () => {
    const error = await failure(() => {}, { baseMs: 30, perTokenMs: 2 });
    expect(facts(error)).toEqual({ code: 'engine_timeout', verdict: 'retry' });
    expect(error.expected).toBe('an answer within 50 ms'); // 30 + 2 × (2 rows × 5 tokens)
  });

  it('gives more time to what was not answered, and to a short text no more than before', async () => {
    const made = await engineThatGets(() => {}, { baseMs: 1, perTokenMs: 1 });
    const waited = async (tokens: number[]) => {
      const error: unknown = await made
        .embed({ texts: tokens.map(() => 'a'), tokens, role: 'passage' })
        .catch((thrown: unknown) => thrown);
      return (error as SluiceError).expected;
    };
    expect(await waited([20, 20])).toBe('an answer within 41 ms');
    expect(await waited([20, 20])).toBe('an answer within 81 ms');
    expect(await waited([0])).toBe('an answer within 1 ms');
  });

  it('a hang in mid-body ends at the deadline', async () => {
    const error = await failure((_, response) => response.writeHead(200).write('{"data":['), {
      baseMs: 40,
      perTokenMs: 0,
    });
    expect(error.code).toBe('engine_timeout');
  });

  it('a reset before and in mid-body', async () => {
    expect(facts(await failure((_, response) => response.socket?.resetAndDestroy()))).toEqual({
      code: 'engine_unreachable',
      verdict: 'retry',
    });
    await engine!.close();
    server!.close();
    const midBody: Answer = (_, response) => {
      response
        .writeHead(200, { 'content-length': '5000' })
        .write('{"data":[', () => response.socket?.resetAndDestroy());
    };
    expect(facts(await failure(midBody))).toEqual({ code: 'engine_unreachable', verdict: 'retry' });
  });

  it('a server that is gone', async () => {
    const made = await engineThatGets(data());
    server!.close();
    await expect(made.embed(request())).rejects.toMatchObject({
      code: 'engine_unreachable',
      verdict: 'retry',
      got: 'ECONNREFUSED',
    });
  });

  it('a host that does not exist', async () => {
    const lost = createHttpEngine({
      profile: profiles.jina!,
      url: 'http://no-such-host.invalid:1',
      servedModel: 'toy',
      fullDimension: DIMENSION,
      logger: silentLogger,
    });
    await expect(lost.embed(request())).rejects.toMatchObject({ code: 'engine_unreachable' });
    await lost.close();
  });

  it('what does not speak HTTP', async () => {
    const error = await failure((_, response) => response.socket?.end('SSH-2.0-OpenSSH\r\n\r\n'));
    expect(error.code).toBe('engine_bad_reply');
  });

  it('the caller gives up: its own reason comes back', async () => {
    const made = await engineThatGets(() => {});
    const abort = new AbortController();
    const pending = made.embed({ ...request(), signal: abort.signal });
    abort.abort(new Error('shutting down'));
    await expect(pending).rejects.toThrow('shutting down');
  });
});

describe('what is not sent', () => {
  it('more rows than the profile allows', async () => {
    let requests = 0;
    const made = await engineThatGets((got, response) => {
      requests += 1;
      data()(got, response);
    });
    const texts = new Array(profiles.jina!.maxRows + 1).fill('a');
    await expect(made.embed(request(texts))).rejects.toMatchObject({ code: 'engine_too_large', verdict: 'split' });
    expect((await made.embed(request([]))).vectors).toEqual([]);
    expect(requests).toBe(0);
  });
});
