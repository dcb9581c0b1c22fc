/**
 * A machine with nothing but Sluice as the engine: `sluice engine` serves the toy model with a key, a line ingests through it, and
 * what the line then holds was computed by the Python reference stack. Then what can be learned from both.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cosine, readGolden } from '@sluice/embedder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJinaTinyServer, tinyFolder } from '../support/jina-tiny-server.ts';
import { type LineReader, readLine } from './line-reader.ts';
import { createSluice, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const key = { SLUICE_ENGINE_API_KEY: 'the-key-of-the-test' };

let engine: ChildProcess;
let served: Record<string, unknown>;
let sluice: Sluice;
let line: LineReader | undefined;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-engine-'));
  // The settings of a consumer around it must not matter to what is served, but for the name of the model.
  const settings = { ...key, SLUICE_MODEL: 'jina-v3-tiny', SLUICE_ENGINE_URL: 'http://127.0.0.1:9' };
  engine = createSluice('test-engine-served', settings).start([
    ...['engine', '--model-dir', tinyFolder, '--port', '0', '--json'],
  ]);
  served = await firstLine(engine);
  sluice = createSluice('test-engine', { ...tinySettings(String(served.url)), ...key });
});

afterAll(async () => {
  await line?.close();
  if (engine.exitCode === null) engine.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

describe('sluice engine, in this order', () => {
  test('says what it serves, with the dimension of the model itself', () => {
    expect(served).toMatchObject({ type: 'engine', dir: tinyFolder, dimension: 64, device: 'cpu' });
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test('a line that ingests through it holds the golden vectors', async () => {
    const golden = await readGolden(join(tinyFolder, 'golden.json'));
    // The longest texts are another test's; these are as they are embedded: NFC, end trimmed.
    const texts = golden.texts.filter(
      ({ text }) => text.trim() !== '' && text === text.normalize('NFC').trimEnd() && text.length < 1_000,
    );
    const documents = texts.map(({ text }, index) => JSON.stringify({ id: `golden-${index}`, text }));
    const more = Array.from({ length: 12 }, (_, i) =>
      JSON.stringify({ id: `more-${i}`, text: `Lot ${i}: ${'ab'.repeat(i)}` }),
    );
    const summary = await sluice.ingest(['-'], [...documents, ...more].join('\n'));
    expect(summary).toMatchObject({ exitCode: 0, chunks: { dead: 0, stored: texts.length + more.length } });
    line = await readLine('test-engine');
    expect(texts.length).toBeGreaterThanOrEqual(6);
    for (const [index, { text, vectors }] of texts.entries()) {
      const [row] = await line.rows(`golden-${index}`);
      expect(cosine(row!.vector, vectors.get('retrieval.passage')!.slice(0, 32)), text.slice(0, 20)).toBeGreaterThan(
        0.99999,
      );
    }
  });

  test('dims embeds again where the line stores cut vectors', async () => {
    const { code, lines } = await sluice.run(['dims', '--sample', '100', '--json']);
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ model: 'jina-v3-tiny', fullDimension: 64, storedDimension: 32, k: 10 });
    const [cut, full] = lines[0]!.sizes as { dimension: number; recall: number; bytesPerMillion: number }[];
    expect(full).toEqual({ dimension: 64, recall: 1, bytesPerMillion: 256_000_000 });
    expect(cut).toMatchObject({ dimension: 32, bytesPerMillion: 128_000_000 });
    expect(cut!.recall).toBeGreaterThan(0.3);
    expect(cut!.recall).toBeLessThan(1);
  });

  test('golden vectors recorded from it prove it, and refuse an engine without the instruction', async () => {
    const file = join(folder, 'golden.json');
    const recorded = await sluice.run([
      'golden',
      'record',
      '--engine-url',
      String(served.url),
      '--out',
      file,
      '--json',
    ]);
    expect(recorded.code, recorded.stderr).toBe(0);
    expect(recorded.lines[0]).toMatchObject({ file, model: 'jina-v3-tiny', revision: '1', dimension: 64, texts: 5 });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ format: 1, model: 'jina-v3-tiny' });

    const engineChecks = async (url: string) => {
      const settings = { ...tinySettings(url), ...key, SLUICE_GOLDEN: file };
      const { lines } = await createSluice('test-engine', settings).run(['doctor', '--json']);
      const { checks } = lines[0] as { checks: { part: string; name: string; status: string }[] };
      return checks.filter(({ part }) => part === 'engine');
    };
    expect((await engineChecks(String(served.url))).at(-1)).toMatchObject({ name: 'verdict', status: 'ok' });
    const wrong = await startJinaTinyServer({ prefixes: 0 });
    try {
      expect((await engineChecks(wrong.url)).at(-1)).toMatchObject({ name: 'verdict', status: 'fail' });
      const refused = await sluice.run(['golden', 'record', '--engine-url', wrong.url, '--out', file]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('prefix_missing');
    } finally {
      await wrong.close();
    }
  });

  test('golden vectors are kept where they are looked for, when no file is named', async () => {
    const { SLUICE_GOLDEN: _, ...space } = tinySettings('');
    const settings = { ...space, ...key, SLUICE_HOME: folder };
    const run = (args: string[], url: string) =>
      createSluice('test-engine-kept', { ...settings, SLUICE_ENGINE_URL: url }).run(args);
    const recorded = await run(['golden', 'record', '--engine', String(served.url), '--json'], 'http://127.0.0.1:9');
    expect(recorded.code, recorded.stderr).toBe(0);
    expect(recorded.lines[0]).toMatchObject({ file: join(folder, 'golden', 'jina-v3-tiny', '1.json') });
    // Right in itself: without those vectors nothing would be wrong with it.
    const another = await startJinaTinyServer({ weights: 'other-seed' });
    try {
      const { lines } = await run(['doctor', '--json'], another.url);
      const { checks } = lines[0] as { checks: { name: string; status: string; detail: string }[] };
      expect(checks).toContainEqual(
        expect.objectContaining({
          name: 'passage vectors',
          status: 'fail',
          detail: expect.stringContaining('another'),
        }),
      );
    } finally {
      await another.close();
    }
  });

  test('doctor warns of a stored dimension that the model was not trained for', async () => {
    const checksOf = async (dimension: string) => {
      const settings = { ...tinySettings(String(served.url)), ...key, SLUICE_DIMENSION: dimension };
      const { lines } = await createSluice('test-engine-untrained', settings).run(['doctor', '--json']);
      const { checks } = lines[0] as { checks: { name: string; status: string; fix?: string }[] };
      return checks.filter(({ name }) => name === 'stored dimension');
    };
    expect(await checksOf('48')).toMatchObject([{ status: 'warn', fix: expect.stringContaining('32, 64') }]);
    expect(await checksOf('32')).toEqual([]);
  });

  test.each([
    ['no model', ['engine', '--port', '0'], 2, /--model jinaai\/jina-embeddings-v3/],
    ['a folder without a model', ['engine', '--model-dir', '/nowhere', '--port', '0'], 2, /onnx\/model\.onnx/],
    ['a hub that is not there', ['engine', '--model', 'a/b', '--port', '0'], 4, /hub_unreachable/],
  ])('%s is said plainly', async (_what, args, code, words) => {
    const result = await createSluice('test-engine-served', { SLUICE_HUB_URL: 'http://127.0.0.1:9' }).run(args);
    expect(result.stderr).toMatch(words);
    expect(result.code).toBe(code);
  });

  test('SIGTERM ends it, with nothing left behind', async () => {
    const gone = once(engine, 'exit');
    engine.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
  });
});

/** What it prints when it is ready; rejects with its log when it ends before. */
async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  let log = '';
  child.stderr!.on('data', (piece: Buffer) => {
    log += piece.toString();
  });
  const [printed] = (await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the engine ended with ${code}:\n${log}`))),
  ])) as [string];
  return JSON.parse(printed) as Record<string, unknown>;
}
