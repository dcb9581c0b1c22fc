/** Our own engine behind HTTP, asked by our own client and by hand. */
import { fileURLToPath } from 'node:url';
import { loadConfig, SluiceError, silentLogger } from '@sluice/core';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine } from '../create-engine.ts';
import type { Engine } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import { createNullEngine, nullVector } from '../null-engine.ts';
import { readGolden } from '../preflight/golden.ts';
import { preflight } from '../preflight.ts';
import { profiles } from '../profiles.ts';
import { resolveEngine } from '../resolve-engine.ts';
import { type EngineServer, type EngineServerOptions, serveEngine } from './serve-engine.ts';

const fixture = fileURLToPath(new URL('../../../../test/fixtures/jina-v3-tiny/', import.meta.url));
const toy = { SLUICE_MODEL: 'jina-v3-tiny', SLUICE_FULL_DIMENSION: '64' };
const config = (values: Record<string, string>) => loadConfig([{ name: 'test', values: { ...toy, ...values } }]).config;
const nullEngine = () => createNullEngine({ profile: profiles.null!, fullDimension: 8 });

let server: EngineServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(engine: Promise<Engine>, options: Partial<EngineServerOptions> = {}): Promise<EngineServer> {
  server = await serveEngine({ engine, model: 'toy', port: 0, logger: silentLogger, ...options });
  await engine.catch(() => {});
  return server;
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server!.url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** Microseconds of this thread's own computing in the longest turn of its event loop, whoever else wants the processor. */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let working = true;
  let before = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, user + system);
    before = process.threadCpuUsage();
    if (working) setImmediate(look);
  };
  setImmediate(look);
  await work();
  working = false;
  return longest;
}

describe('the ONNX engine over HTTP', () => {
  it('gives the golden vectors through our own client, and is proved right by golden vectors and by its variants', async () => {
    const golden = await readGolden(`${fixture}golden.json`);
    const served = await serve(
      createEngine(config({ SLUICE_ENGINE: 'onnx', SLUICE_MODEL_DIR: fixture }), { logger: silentLogger }),
      { model: 'jina-v3-tiny' },
    );
    const client = config({ SLUICE_ENGINE_URL: served.url });
    const engine = await createEngine(client, { logger: silentLogger });
    const texts = golden.texts.map(({ text }) => text);
    const { vectors } = await engine.embed({ texts, tokens: texts.map(() => 4_000), role: 'passage' });
    for (const [i, { vectors: known }] of golden.texts.entries()) {
      expect(cosine(vectors[i]!, known.get('retrieval.passage')!)).toBeGreaterThan(0.99999);
    }
    const byGolden = await preflight(engine, resolveEngine(client), { golden });
    expect(byGolden.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(byGolden).toMatchObject({ verdict: 'right', proof: 'golden' });
    expect(await preflight(engine, resolveEngine(client))).toMatchObject({ verdict: 'right', proof: 'variants' });
    await engine.close();
  });

  it('serves one adapter only from a merged export, and says so instead of ignoring the task', async () => {
    const merged = config({
      SLUICE_ENGINE: 'onnx',
      SLUICE_MODEL_DIR: `${fixture}merged-passage`,
      SLUICE_TOKENIZER: `${fixture}tokenizer.json`,
    });
    await serve(createEngine(merged, { logger: silentLogger }));
    expect((await post({ input: 'a', task: 'retrieval.passage' })).status).toBe(200);
    for (const task of ['retrieval.query', 'text-matching', undefined]) {
      expect((await post({ input: 'a', task })).status).toBe(400);
    }
  });
});

describe('the protocol', () => {
  it('cuts, normalises, and answers in base64 or numbers', async () => {
    await serve(Promise.resolve(nullEngine()));
    const ask = async (more: object) => {
      const reply = (await (
        await post({ input: ['a', { text: 'b' }], task: 'retrieval.passage', ...more })
      ).json()) as {
        data: { index: number; embedding: number[] | string }[];
      };
      return reply.data.map(({ embedding }) => embedding);
    };
    expect(await ask({})).toEqual(['a', 'b'].map((text) => [...nullVector(text, 8)]));
    const [cut] = (await ask({ dimensions: 3 })) as number[][];
    expect(Math.hypot(...cut!)).toBeCloseTo(1, 6);
    expect(await ask({ dimensions: 3, normalized: false })).toEqual(
      ['a', 'b'].map((text) => [...nullVector(text, 8).slice(0, 3)]),
    );
    const bytes = Buffer.from(nullVector('a', 8).buffer).toString('base64');
    expect((await ask({ embedding_type: 'base64' }))[0]).toBe(bytes);
    expect((await ask({ encoding_format: 'base64' }))[0]).toBe(bytes);
  });

  it.each<[string, unknown, number]>([
    ['no JSON', '{"input": [', 422],
    ['no input', {}, 422],
    ['an empty list', { input: [] }, 422],
    ['null in the list', { input: ['a', null] }, 422],
    ['an unknown task', { input: 'a', task: 'retrieval' }, 422],
    ['more dimensions than there are', { input: 'a', dimensions: 9 }, 422],
    ['truncate', { input: 'a', truncate: true }, 422],
    ['late chunking', { input: 'a', late_chunking: true }, 422],
    ['too large a body', { input: 'x'.repeat(2_000) }, 413],
  ])('refuses %s', async (_, body, status) => {
    await serve(Promise.resolve(nullEngine()), { maxBodyBytes: 1_000 });
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain('retrieval"');
  });

  it('asks for its key, and compares all of it', async () => {
    await serve(Promise.resolve(nullEngine()), { apiKey: 'secret' });
    expect((await post({ input: 'a' })).status).toBe(401);
    expect((await post({ input: 'a' }, { authorization: 'Bearer secreT' })).status).toBe(401);
    expect((await post({ input: 'a', task: 'retrieval.query' }, { authorization: 'Bearer secret' })).status).toBe(200);
    expect((await fetch(`${server!.url}/health`)).status).toBe(200);
  });

  it('is 503 while the model loads, then ready', async () => {
    const loading = Promise.withResolvers<Engine>();
    server = await serveEngine({ engine: loading.promise, model: 'toy', port: 0, logger: silentLogger });
    expect((await fetch(`${server.url}/health`)).status).toBe(503);
    const early = await post({ input: 'a' });
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '5']);
    loading.resolve(nullEngine());
    await expect.poll(async () => (await fetch(`${server!.url}/health`)).status).toBe(200);
  });

  it('stays 503 and names the code when the model cannot be loaded', async () => {
    const broken = createEngine(config({ SLUICE_ENGINE: 'onnx', SLUICE_MODEL_DIR: '/nowhere' }), {
      logger: silentLogger,
    });
    await serve(broken);
    const response = await fetch(`${server!.url}/health`);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('bad_configuration');
  });

  it('is 429 above what it takes at a time', async () => {
    const held = Promise.withResolvers<never>();
    const slow: Engine = { ...nullEngine(), embed: () => held.promise };
    await serve(Promise.resolve(slow), { maxInFlight: 1 });
    const first = post({ input: 'a', task: 'retrieval.passage' }).catch(() => undefined);
    await expect
      .poll(async () => (await (await fetch(`${server!.url}/metrics`)).text()).includes('in_flight 1'))
      .toBe(true);
    const second = await post({ input: 'b', task: 'retrieval.passage' });
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    held.reject(new Error('over'));
    expect((await first)?.status).toBe(500);
  });

  it('counts what a client left behind until the engine has stopped', async () => {
    let abandoned = 0;
    const slow: Engine = {
      ...nullEngine(),
      embed: ({ signal }) =>
        new Promise((_, reject) => {
          signal!.addEventListener('abort', () => {
            abandoned += 1;
            reject(signal!.reason);
          });
        }),
      get abandoned() {
        return abandoned;
      },
    };
    await serve(Promise.resolve(slow), { maxInFlight: 1 });
    const inFlight = async () => /in_flight (\d+)/.exec(await (await fetch(`${server!.url}/metrics`)).text())?.[1];
    const client = new AbortController();
    const left = fetch(`${server!.url}/v1/embeddings`, {
      method: 'POST',
      body: JSON.stringify({ input: 'a', task: 'retrieval.passage' }),
      signal: client.signal,
    });
    await expect.poll(inFlight).toBe('1');
    client.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(() => abandoned).toBe(1);
    expect(await inFlight()).toBe('1');
    expect((await post({ input: 'b', task: 'retrieval.passage' })).status).toBe(429);
    abandoned = 0; // now it has stopped
    expect(await inFlight()).toBe('0');
  });

  it.each([
    ['numbers', 'float'],
    ['base64', 'base64'],
  ] as const)(
    'computes for less than 50 ms at a time for the largest request there is, answered as %s',
    async (_, encoding) => {
      const vectors = Array.from({ length: 512 }, (_, i) => nullVector(String(i), 1_024));
      const engine: Engine = { ...nullEngine(), fullDimension: 1_024, embed: async () => ({ vectors }) };
      await serve(Promise.resolve({ ...engine, profile: profiles.onnx! }), {});
      const input = vectors.map(() => '"\u{1f407} '.repeat(1_900));
      const body = Buffer.from(JSON.stringify({ input, task: 'retrieval.passage', encoding_format: encoding }));
      expect(body.length).toBeGreaterThan(5 * 1024 * 1024);
      await ask(); // the first time, functions are compiled
      const longest = await longestTurn(ask);
      expect(longest).toBeLessThan(50_000);

      /** Reads as it comes: JSON.parse of ten megabytes would be a block of our own. */
      async function ask() {
        const response = await fetch(`${server!.url}/v1/embeddings`, { method: 'POST', body });
        expect(response.status).toBe(200);
        let bytes = 0;
        for await (const piece of response.body!) bytes += (piece as Uint8Array).length;
        expect(bytes).toBe(Number(response.headers.get('content-length')));
        expect(bytes).toBeGreaterThan(512 * 5_000);
      }
    },
  );

  it('refuses a list of millions before it looks at each of them', async () => {
    await serve(Promise.resolve({ ...nullEngine(), profile: profiles.onnx! }));
    const response = await post(`{"input":[${'0,'.repeat(2_000_000)}0]}`);
    expect(response.status).toBe(422);
    expect(((await response.json()) as { errors: unknown[] }).errors).toHaveLength(1);
  });

  it('is 413 with a code when memory ends, which our own client takes for a request to halve', async () => {
    const full: Engine = {
      ...nullEngine(),
      embed: () => Promise.reject(new SluiceError('engine_out_of_memory', { message: 'no memory' })),
    };
    const { url } = await serve(Promise.resolve(full));
    expect((await post({ input: ['a', 'b'], task: 'retrieval.passage' })).status).toBe(413);
    const client = await createEngine(config({ SLUICE_ENGINE_URL: url, SLUICE_FULL_DIMENSION: '8' }), {
      logger: silentLogger,
    });
    await expect(client.embed({ texts: ['a', 'b'], tokens: [3, 3], role: 'passage' })).rejects.toMatchObject({
      code: 'engine_out_of_memory',
      verdict: 'split',
    });
    await client.close();
  });

  it('counts what it did', async () => {
    await serve(Promise.resolve(nullEngine()));
    await post({ input: ['a', 'b'], task: 'retrieval.passage' });
    await post({});
    const text = await (await fetch(`${server!.url}/metrics`)).text();
    expect(text).toContain('sluice_engine_requests_total{status="200"} 1');
    expect(text).toContain('sluice_engine_requests_total{status="422"} 1');
    expect(text).toContain('sluice_engine_texts_total 2');
  });

  it('says when its port is taken', async () => {
    const first = await serve(Promise.resolve(nullEngine()));
    const port = Number(new URL(first.url).port);
    await expect(
      serveEngine({ engine: Promise.resolve(nullEngine()), model: 'toy', port, logger: silentLogger }),
    ).rejects.toMatchObject({ code: 'port_taken' });
  });
});
