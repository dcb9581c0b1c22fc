/** The toy server and the jina client against the golden vectors of the Python reference; and what preflight says of wrong ones. */
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import {
  checkCanary,
  cosine,
  createEngine,
  type Engine,
  type GoldenFile,
  type PreflightReport,
  parseGolden,
  preflight,
  proofForLine,
  proveAgain,
  type ResolvedEngine,
  readGolden,
  recordGolden,
  refuseUnlessRight,
  resolveEngine,
} from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type JinaTinyOptions,
  type JinaTinyServer,
  startJinaTinyServer,
  TINY_DIMENSION,
  tinyFolder,
} from './jina-tiny-server.ts';

const goldenPath = fileURLToPath(new URL('../fixtures/jina-v3-tiny/golden.json', import.meta.url));

/** One server for all tests: each makes it right or wrong in its own way. */
let server: JinaTinyServer;
let engine: Engine;
let resolved: ResolvedEngine;
beforeAll(async () => {
  server = await startJinaTinyServer();
  const { config } = loadConfig([
    {
      name: 'test',
      values: {
        SLUICE_ENGINE_URL: server.url,
        SLUICE_MODEL: 'jina-v3-tiny',
        SLUICE_FULL_DIMENSION: String(TINY_DIMENSION),
        SLUICE_DIMENSION: '32',
      },
    },
  ]);
  resolved = resolveEngine(config);
  engine = await createEngine(config, { logger: silentLogger });
});
beforeEach(() => server.become({}));
afterAll(async () => {
  await engine.close();
  await server.close();
});

async function report(options: JinaTinyOptions, golden?: GoldenFile): Promise<PreflightReport> {
  server.become(options);
  return preflight(engine, resolved, { golden });
}

const WRONG: [string, JinaTinyOptions, string][] = [
  ['the task ignored', { adapter: 'ignored', prefixes: 0 }, 'task_ignored'],
  ['the task ignored, the instruction added', { adapter: 'ignored' }, 'task_ignored'],
  ['text-matching merged in', { adapter: 'text-matching', prefixes: 0 }, 'wrong_adapter'],
  ['text-matching merged in, the instruction added', { adapter: 'text-matching' }, 'wrong_adapter'],
  ['the instruction missing', { prefixes: 0 }, 'prefix_missing'],
  ['the instruction twice', { prefixes: 2 }, 'prefix_doubled'],
  ["the queries' instruction missing", { queryPrefixes: 0 }, 'prefix_missing'],
  ["the queries' instruction twice", { queryPrefixes: 2 }, 'prefix_doubled'],
  ['over-long texts cut', { cutsSilently: true }, 'silent_truncation'],
];

describe('jina-v3-tiny over HTTP', () => {
  it('gives the golden vectors of the Python reference in one mixed batch', async () => {
    const golden = await readGolden(goldenPath);
    const texts = golden.texts.map(({ text }) => text);
    for (const [role, variant] of [
      ['passage', 'retrieval.passage'],
      ['query', 'retrieval.query'],
      ['none', 'none'],
    ] as const) {
      const { vectors } = await engine.embed({ texts, tokens: texts.map(() => 4096), role });
      golden.texts.forEach(({ vectors: known }, i) => {
        expect(cosine(vectors[i]!, known.get(variant)!)).toBeGreaterThan(0.999999);
      });
    }
  });

  it('is right by golden vectors, and its usage leaves the instruction out', async () => {
    const tokenizer = createTokenizer(await loadTokenizerModel(`${tinyFolder}/tokenizer.json`));
    const found = await preflight(engine, resolved, {
      golden: await readGolden(goldenPath),
      count: (text) => tokenizer.count(text),
    });
    expect(found.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(found).toMatchObject({ verdict: 'right', proof: 'golden' });
    expect(found.findings.find(({ name }) => name === 'usage')?.measured).toBe('counts tokens without the instruction');
    expect(resolved.instructionTokens((text) => tokenizer.count(text))).toBe(9);
  });

  it.each(WRONG)('is refused by golden vectors: %s', async (_, options, code) => {
    const found = await report(options, await readGolden(goldenPath));
    expect({ verdict: found.verdict, code: found.code }).toEqual({ verdict: 'wrong', code });
    expect(() => refuseUnlessRight(found, { acceptUnproven: true })).toThrow(/refused/);
  });

  it('is refused by golden vectors: the first token instead of the mean', async () => {
    expect((await report({ pooling: 'cls' }, await readGolden(goldenPath))).code).toBe('wrong_pooling');
  });

  it('is right by its own variants where no golden vectors are to be had', async () => {
    expect(await report({})).toMatchObject({ verdict: 'right', proof: 'variants' });
  });

  it('is not called proved in what its own variants cannot show, whether the mean of all tokens is taken', async () => {
    const { findings } = await report({});
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([
      {
        name: 'pooling',
        status: 'warn',
        measured: expect.stringContaining('not proved'),
        fix: expect.stringContaining('SLUICE_GOLDEN'),
      },
    ]);
  });

  it.each(WRONG)('is refused by its own variants: %s', async (_, options, code) => {
    const found = await report(options);
    // Whatever adapter is merged, all tasks give the same vectors: the task is ignored, and nothing says which one it is.
    const expected = options.adapter === 'text-matching' ? 'task_ignored' : code;
    expect({ verdict: found.verdict, code: found.code }).toEqual({ verdict: 'wrong', code: expected });
    const { name, fix } = found.findings.find(({ status }) => status === 'fail')!;
    if (options.queryPrefixes !== undefined)
      expect({ name, fix }).toEqual({
        name: 'query instruction',
        fix: expect.stringContaining('SLUICE_QUERY_ENGINE'),
      });
  });

  it('is measured by golden vectors recorded from a trusted engine', async () => {
    const recorded = parseGolden(await recordGolden(engine, resolved), 'recorded');
    expect(await report({}, recorded)).toMatchObject({ verdict: 'right', proof: 'golden' });
    // The mistakes of an instruction were not recorded: a vector that is near to nothing known is refused all the same.
    expect(await report({ prefixes: 0 }, recorded)).toMatchObject({ verdict: 'wrong', code: 'wrong_space' });
    expect(await report({ adapter: 'ignored', prefixes: 0 }, recorded)).toMatchObject({
      verdict: 'wrong',
      code: 'task_ignored',
    });
  });

  it('is not proved for queries by golden vectors of passages alone', async () => {
    const golden = await readGolden(goldenPath);
    const { 'retrieval.query': _, ...variants } = golden.variants;
    const forQueries = { ...engine, profile: { ...engine.profile, roles: ['query'] as const } };
    expect(await preflight(forQueries, resolved, { golden: { ...golden, variants } })).toMatchObject({
      verdict: 'unproven',
    });
    expect(await preflight(forQueries, resolved, { golden })).toMatchObject({ verdict: 'right' });
  });

  it('refuses golden vectors of another model', async () => {
    const golden = { ...(await readGolden(goldenPath)), model: 'another' };
    expect(await report({}, golden)).toMatchObject({ verdict: 'wrong', code: 'bad_configuration' });
  });

  it('notices a model that was swapped under a running worker', async () => {
    const found = await preflight(engine, resolved);
    await checkCanary(engine, found);
    for (const another of [{ adapter: 'text-matching' }, { weights: 'other-seed' }] as const) {
      server.become(another);
      await expect(checkCanary(engine, found)).rejects.toMatchObject({ code: 'model_swapped', verdict: 'stop' });
    }
  });

  it('is proved again while working: another model, and the same one started with other flags', async () => {
    const golden = await readGolden(goldenPath);
    const proof = proofForLine(await report({}, golden), undefined, {
      acceptUnproven: false,
      at: '2026-11-24T00:00:00.000Z',
    });
    const again = (options: JinaTinyOptions) => {
      server.become(options);
      return proveAgain(engine, resolved, { golden, proof });
    };
    await again({});
    await expect(again({ weights: 'other-seed' })).rejects.toMatchObject({ verdict: 'stop' });
    // The vector of a short text is what it was.
    await expect(again({ cutsSilently: true })).rejects.toMatchObject({ code: 'silent_truncation', verdict: 'stop' });
    // One that fails for once was right a few minutes ago: the line goes on.
    const failing = (status: number) => ({
      script: ({ request }: { request: number }) => (request % 4 === 0 ? { status, body: '' } : undefined),
    });
    await expect(again(failing(500))).rejects.toMatchObject({ code: 'engine_failed', verdict: 'unknown' });
    await expect(again(failing(503))).rejects.toMatchObject({ code: 'engine_busy', verdict: 'retry' });
  });

  it('is of another model though right in itself: golden vectors say so, and so does the line that another engine filled', async () => {
    const known = proofForLine(await report({}), undefined, { acceptUnproven: false, at: '2026-11-24T00:00:00.000Z' });
    const swapped = await report({ weights: 'other-seed' });
    expect(swapped).toMatchObject({ verdict: 'right', proof: 'variants' });
    expect(() => proofForLine(swapped, known, { acceptUnproven: true, at: known.at })).toThrow(
      expect.objectContaining({ code: 'model_swapped' }),
    );
    expect(await report({ weights: 'other-seed' }, await readGolden(goldenPath))).toMatchObject({
      code: 'wrong_model',
    });
  });

  it('is refused when it answers with 200 as another model than it was asked for, unless golden vectors show which one it is', async () => {
    const called = 'multilingual-e5-large';
    const found = await report({ called });
    expect(found).toMatchObject({ verdict: 'wrong', code: 'wrong_model' });
    expect(() => refuseUnlessRight(found, { acceptUnproven: true })).toThrow(called);
    // What a server calls its model is its own affair: TEI gives the folder that it serves.
    expect(await report({ called }, await readGolden(goldenPath))).toMatchObject({ verdict: 'right', proof: 'golden' });
    expect(await report({ called: '/models/jina-v3-tiny/' })).toMatchObject({ verdict: 'right' });
  });

  it('throws when the engine is away: nothing was learned', async () => {
    await expect(report({ script: () => ({ status: 503, body: '' }) })).rejects.toMatchObject({ code: 'engine_busy' });
  });

  it('says wrong when the key is refused', async () => {
    const found = await report({ script: () => ({ status: 401, body: '' }) });
    expect(found).toMatchObject({ verdict: 'wrong', code: 'engine_refused_key' });
  });
});
