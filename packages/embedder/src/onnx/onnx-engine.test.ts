/** The in-process ONNX engine over the toy model: the golden vectors of the Python reference, off the event loop. */
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../create-engine.ts';
import type { Engine } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import { type GoldenFile, readGolden } from '../preflight/golden.ts';
import { preflight } from '../preflight.ts';
import { resolveEngine } from '../resolve-engine.ts';

const fixture = fileURLToPath(new URL('../../../../test/fixtures/jina-v3-tiny/', import.meta.url));
const configFor = (values: Record<string, string>) =>
  loadConfig([
    {
      name: 'test',
      values: {
        SLUICE_ENGINE: 'onnx',
        SLUICE_MODEL: 'jina-v3-tiny',
        SLUICE_FULL_DIMENSION: '64',
        SLUICE_MODEL_DIR: fixture,
        ...values,
      },
    },
  ]).config;
const config = configFor({});

let golden: GoldenFile;
let engine: Engine;
beforeAll(async () => {
  golden = await readGolden(`${fixture}golden.json`);
  engine = await createEngine(config, { logger: silentLogger });
}, 60_000);
afterAll(() => engine.close());

const ask = (role: 'passage' | 'query') => {
  const texts = golden.texts.map(({ text }) => text);
  return engine.embed({ texts, tokens: texts.map(() => 4_000), role });
};

describe('ONNX engine', () => {
  it.each(['passage', 'query'] as const)(
    'gives the golden %s vectors, 2 to 4,000 tokens in one request',
    async (role) => {
      const { vectors, usageTokens } = await ask(role);
      const variant = `retrieval.${role}`;
      for (const [i, { vectors: known }] of golden.texts.entries()) {
        expect(cosine(vectors[i]!, known.get(variant)!)).toBeGreaterThan(0.99999);
      }
      expect(usageTokens).toBeGreaterThan(6_000);
    },
  );

  it('is proved right by golden vectors', async () => {
    const report = await preflight(engine, resolveEngine(config), { golden });
    expect(report.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report).toMatchObject({ verdict: 'right', proof: 'golden' });
  });

  it('gives the golden vectors from an export with the passage adapter merged', async () => {
    const merged = await createEngine(
      configFor({ SLUICE_MODEL_DIR: `${fixture}merged-passage`, SLUICE_TOKENIZER: `${fixture}tokenizer.json` }),
      { logger: silentLogger },
    );
    const texts = golden.texts.slice(0, 6).map(({ text }) => text);
    const { vectors } = await merged.embed({ texts, tokens: texts.map(() => 50), role: 'passage' });
    await merged.close();
    for (const [i, vector] of vectors.entries()) {
      expect(cosine(vector!, golden.texts[i]!.vectors.get('retrieval.passage')!)).toBeGreaterThan(0.99999);
    }
  });

  it('reads half-precision output, and a folder that has only that', async () => {
    const half = await createEngine(
      configFor({ SLUICE_MODEL_DIR: `${fixture}fp16-output`, SLUICE_TOKENIZER: `${fixture}tokenizer.json` }),
      { logger: silentLogger },
    );
    const texts = golden.texts.slice(0, 6).map(({ text }) => text);
    const { vectors } = await half.embed({ texts, tokens: texts.map(() => 50), role: 'passage' });
    await half.close();
    for (const [i, vector] of vectors.entries()) {
      expect(cosine(vector!, golden.texts[i]!.vectors.get('retrieval.passage')!)).toBeGreaterThan(0.99999);
    }
  });

  it("puts an ordinary encoder's own instructions in front, of passages and of queries", async () => {
    const encoder = await createEngine(
      configFor({
        SLUICE_MODEL_DIR: `${fixture}merged-passage`,
        SLUICE_PASSAGE_INSTRUCTION: 'Represent the document for retrieval: ',
        SLUICE_QUERY_INSTRUCTION: '',
      }),
      { logger: silentLogger },
    );
    const texts = golden.texts.slice(0, 3).map(({ text }) => text);
    for (const [role, variant] of [
      ['passage', 'retrieval.passage'],
      ['query', 'retrieval.passage/no-prefix'],
    ] as const) {
      const { vectors } = await encoder.embed({ texts, tokens: texts.map(() => 50), role });
      for (const [i, vector] of vectors.entries()) {
        expect(cosine(vector!, golden.texts[i]!.vectors.get(variant)!)).toBeGreaterThan(0.99999);
      }
    }
    await encoder.close();
    await expect(
      createEngine(configFor({ SLUICE_PASSAGE_INSTRUCTION: 'passage: ' }), { logger: silentLogger }),
    ).rejects.toMatchObject({ code: 'bad_configuration', where: fixture });
  });

  it('computes off the event loop: the main thread computes for less than 50 ms of a request of seconds', async () => {
    await ask('passage');
    const before = process.threadCpuUsage();
    await ask('passage');
    const { user, system } = process.threadCpuUsage(before);
    // Microseconds of this thread's own computing, whoever else wants the processor: no block can be longer.
    expect(user + system).toBeLessThan(50_000);
  });

  it('refuses what does not fit the window, and what has no task', async () => {
    const long = 'rabbit '.repeat(8_300);
    await expect(engine.embed({ texts: [long], tokens: [1], role: 'passage' })).rejects.toMatchObject({
      code: 'engine_rejected',
      verdict: 'dead',
    });
    await expect(engine.embed({ texts: ['a'], tokens: [1], role: 'none' })).rejects.toMatchObject({
      code: 'engine_rejected',
    });
  });

  it('says what a folder lacks', async () => {
    await expect(
      createEngine(configFor({ SLUICE_MODEL_DIR: '/nowhere' }), { logger: silentLogger }),
    ).rejects.toMatchObject({
      code: 'bad_configuration',
      expected: 'onnx/model.onnx, model.onnx, onnx/model_fp16.onnx, model_fp16.onnx',
    });
    await expect(createEngine(configFor({ SLUICE_FULL_DIMENSION: '32' }), { logger: silentLogger })).rejects.toThrow(
      /SLUICE_FULL_DIMENSION=64/,
    );
    await expect(
      createEngine(configFor({ SLUICE_ENGINE_DEVICE: 'cuda' }), { logger: silentLogger }),
    ).rejects.toMatchObject({
      code: 'unsupported_platform',
      fix: expect.stringContaining('cuDNN'),
    });
  });
});
