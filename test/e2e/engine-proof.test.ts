/** What a line remembers of its engine: who was proved right, what was accepted without proof, and that no other model takes its place. */
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JinaTinyServer, startJinaTinyServer, tinyFolder } from '../support/jina-tiny-server.ts';
import { sharedStack } from '../support/stack.ts';
import { serve } from './serving.ts';
import { createSluice, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const document = (id: string) => JSON.stringify({ id, text: `The document ${id} has a text of its own.` });

async function proofOf(line: string) {
  const store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
  try {
    return (await store.describeLine(line))?.proof;
  } finally {
    await store.close();
  }
}

async function doctor(sluice: Sluice) {
  const { lines } = await sluice.run(['doctor', '--json']);
  return (lines[0] as { checks: { part: string; name: string; status: string; detail: string; fix?: string }[] })
    .checks;
}

describe('an engine that was proved', () => {
  const line = 'test-proof-right';
  let server: JinaTinyServer;
  let sluice: Sluice;
  beforeAll(async () => {
    server = await startJinaTinyServer();
    // Without golden vectors: another model of the same shape is right by its own variants.
    const { SLUICE_GOLDEN: _, ...settings } = tinySettings(server.url);
    sluice = createSluice(line, settings);
  });
  afterAll(() => server.close());

  test('is remembered beside the fingerprint, with what was measured', async () => {
    expect(await sluice.ingest(['-'], document('a'))).toMatchObject({ exitCode: 0, chunks: { stored: 1 } });
    const proof = await proofOf(line);
    expect(proof).toMatchObject({ verdict: 'right', proof: 'variants', engine: { profile: 'jina' } });
    expect(proof!.findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['determinism', 'batch invariance', 'dimension', 'task', 'instruction', 'over-long text']),
    );
  });

  test('is not followed by another model under the same name, however right that is in itself', async () => {
    server.become({ weights: 'other-seed' });
    const { code, stderr } = await sluice.run(['ingest', '-', '--wait', '--json'], document('b'));
    expect(stderr).toContain('model_swapped');
    expect(code).not.toBe(0);
    const checks = await doctor(sluice);
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'proof', status: 'ok', detail: expect.stringContaining('by its own variants') }),
    );
    expect(checks).toContainEqual(
      expect.objectContaining({
        part: 'engine',
        name: 'verdict',
        status: 'fail',
        detail: expect.stringContaining('another vector for a known text'),
      }),
    );
  });
});

describe('an engine that nothing proves', () => {
  const line = 'test-proof-unproven';
  const settings = {
    ...Object.fromEntries(
      Object.entries(tinySettings('')).filter(([name]) => !['SLUICE_ENGINE_URL', 'SLUICE_GOLDEN'].includes(name)),
    ),
    SLUICE_ENGINE: 'onnx',
    SLUICE_MODEL_DIR: join(tinyFolder, 'merged-passage'),
  };
  const ingest = (more: Record<string, string>) =>
    createSluice(line, { ...settings, ...more }).run(['ingest', '-', '--wait', '--json'], document('a'));

  test('is refused, with the way out', async () => {
    const { code, stderr } = await ingest({});
    expect(stderr).toContain('unproven_space');
    expect(stderr).toContain('SLUICE_ACCEPT_UNPROVEN');
    expect(code).not.toBe(0);
  });

  test('is taken when a person accepts it, and the line remembers that', async () => {
    expect((await ingest({ SLUICE_ACCEPT_UNPROVEN: 'true' })).code).toBe(0);
    expect(await proofOf(line)).toMatchObject({ verdict: 'unproven', proof: 'none', engine: { profile: 'onnx' } });
    expect((await ingest({})).code).toBe(0);
    const checks = await doctor(createSluice(line, settings));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'proof', status: 'warn' }));
    expect(checks).toContainEqual(expect.objectContaining({ part: 'engine', name: 'verdict', status: 'warn' }));
  });
});

test('doctor looks at an engine of its own for queries as well, and says where queries have none', async () => {
  const merged = { SLUICE_ENGINE: 'onnx', SLUICE_MODEL_DIR: join(tinyFolder, 'merged-passage') };
  const { SLUICE_ENGINE_URL: _, ...space } = tinySettings('');
  const settings = { ...space, ...merged };
  const ask = async (more: Record<string, string>) =>
    (await doctor(createSluice('test-proof-queries', { ...settings, ...more }))).filter(
      ({ part }) => part === 'queries',
    );
  expect(await ask({})).toMatchObject([{ status: 'warn', fix: expect.stringContaining('SLUICE_QUERY_ENGINE_URL') }]);

  await using server = await startJinaTinyServer();
  const queries = { SLUICE_QUERY_ENGINE: 'jina', SLUICE_QUERY_ENGINE_URL: server.url };
  expect((await ask(queries)).at(-1)).toMatchObject({ name: 'verdict', status: 'ok' });
  server.become({ adapter: 'text-matching' });
  const wrong = await ask(queries);
  expect(wrong.at(-1)).toMatchObject({ name: 'verdict', status: 'fail' });
  expect(wrong.find(({ name }) => name === 'query vectors')).toMatchObject({ status: 'fail' });
});

describe('an engine for queries', () => {
  const line = 'test-proof-search';
  let passages: JinaTinyServer;
  let queries: JinaTinyServer;
  beforeAll(async () => {
    [passages, queries] = await Promise.all([startJinaTinyServer(), startJinaTinyServer()]);
    const sluice = createSluice(line, tinySettings(passages.url));
    expect(await sluice.ingest(['-'], document('a'))).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => Promise.all([passages.close(), queries.close()]));
  const search = (more: Record<string, string>) =>
    createSluice(line, { ...tinySettings(passages.url), ...more }).run(['query', 'a text of its own', '--json']);

  test('is not asked for a proof where it is the one that filled the line', async () => {
    const before = passages.requests;
    const found = await search({});
    expect(found.lines).toMatchObject([{ docId: 'a' }]);
    expect(passages.requests - before).toBe(1);
  });

  test('is proved by a few short texts before it answers', async () => {
    const before = queries.requests;
    expect((await search({ SLUICE_QUERY_ENGINE_URL: queries.url })).lines).toMatchObject([{ docId: 'a' }]);
    expect(queries.requests - before).toBeLessThanOrEqual(6);
    expect(Math.max(...queries.texts().map(({ length }) => length))).toBeLessThan(2_000);
  });

  test.each([
    ['the passage adapter merged in', { adapter: 'text-matching' }, 'wrong_adapter'],
    ['no instruction', { queryPrefixes: 0 }, 'prefix_missing'],
  ] as const)('is refused with %s: no hits are better than wrong ones', async (_, wrong, code) => {
    queries.become(wrong);
    const found = await search({ SLUICE_QUERY_ENGINE_URL: queries.url });
    expect(found.code).not.toBe(0);
    expect(found.lines).toEqual([
      expect.objectContaining({ type: 'error', code, fix: expect.stringContaining('SLUICE_QUERY_ENGINE') }),
    ]);
  });

  test('is refused by the service as well, and asked again when it is mended', async () => {
    queries.become({ queryPrefixes: 0 });
    const settings = { ...tinySettings(passages.url), SLUICE_QUERY_ENGINE_URL: queries.url };
    const service = await serve(createSluice(line, settings));
    try {
      const ask = () => service.call('POST', '/search', { text: 'a text of its own' });
      expect(await ask()).toMatchObject({ status: 503, body: { code: 'prefix_missing' } });
      queries.become({});
      expect((await ask()).body.hits).toMatchObject([{ docId: 'a' }]);
      const before = queries.requests;
      await ask();
      expect(queries.requests - before).toBe(1);
    } finally {
      await service.stop();
    }
  });
});

test('doctor says how to get the CUDA libraries where they are missing', async () => {
  const settings = { SLUICE_ENGINE: 'onnx', SLUICE_MODEL_DIR: tinyFolder, SLUICE_FULL_DIMENSION: '64' };
  const checks = await doctor(createSluice('test-proof-cuda', { ...settings, SLUICE_ENGINE_DEVICE: 'cuda' }));
  const found = checks.find(({ part }) => part === 'engine');
  expect(found).toMatchObject({ status: 'fail', detail: expect.stringContaining('cannot use CUDA here') });
  for (const words of [
    'docs/real-gpu.md',
    'LD_LIBRARY_PATH',
    'ONNXRUNTIME_NODE_INSTALL=cuda12',
    'SLUICE_ENGINE_DEVICE=cpu',
  ])
    expect(found?.fix).toContain(words);
});
