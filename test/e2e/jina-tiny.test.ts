/**
 * The whole path with the real architecture: jina-v3-tiny behind the Jina protocol, counted by its own tokenizer, passage
 * task, cut to 32 dimensions. What is right was computed by the Python reference stack, never by an engine of ours.
 */
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createChunker } from '@sluice/chunker';
import { loadConfig } from '@sluice/core';
import { cutVector } from '@sluice/embedder';
import { planLine } from '@sluice/line';
import { readDocuments, resolveInputs } from '@sluice/producer';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { largestDifference, overlaps, uncovered } from '../support/coverage.ts';
import { type JinaTinyServer, startJinaTinyServer, tinyFolder } from '../support/jina-tiny-server.ts';
import { type LineReader, readLine, snapshot } from './line-reader.ts';
import { corpusFolder, createSluice, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

interface Golden {
  texts: { name?: string; id?: string; text: string; vectors: Record<string, { v: string; v32: string }> }[];
}
interface Reference {
  chunks: { document: string; ordinal: number; hash: string; tokens: number; v: string }[];
}

let folder: string;
let engine: JinaTinyServer;
let sluice: Sluice;
let line: LineReader;
let golden: Golden;
let reference: Reference;

beforeAll(async () => {
  golden = JSON.parse(await readFile(join(tinyFolder, 'golden.json'), 'utf8')) as Golden;
  reference = JSON.parse(await readFile(join(tinyFolder, 'corpus-reference.json'), 'utf8')) as Reference;
  folder = await mkdtemp(join(tmpdir(), 'sluice-tiny-'));
  for (const document of new Set(reference.chunks.map((chunk) => chunk.document))) {
    await cp(join(corpusFolder, document), join(folder, 'corpus', document), { recursive: true });
  }
  engine = await startJinaTinyServer();
  sluice = createSluice('test-jina-tiny', tinySettings(engine.url));
});

afterAll(async () => {
  await line?.close();
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const floats = (base64: string) => {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * b[index]!, 0);

/** The full vector of a passage, as the engine gives it to anybody. */
async function askEngine(text: string): Promise<Float32Array> {
  const response = await fetch(`${engine.url}/v1/embeddings`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'jina-v3-tiny',
      input: [text],
      task: 'retrieval.passage',
      truncate: false,
      embedding_type: 'base64',
    }),
  });
  const { data } = (await response.json()) as { data: { embedding: string }[] };
  return floats(data[0]!.embedding);
}

describe('jina-v3-tiny, in this order', () => {
  test('golden texts become the golden vectors, cut to 32 dimensions', async () => {
    // A blank text has no chunk; the others are compared as they are embedded: NFC, end trimmed.
    const texts = golden.texts.filter(({ text }) => text.trim() !== '');
    const records = texts.map(({ text }, index) => JSON.stringify({ id: `golden-${index}`, text })).join('\n');
    const summary = await sluice.ingest(['-'], records);
    expect(summary).toMatchObject({
      exitCode: 0,
      documents: { stored: texts.length },
      chunks: { stored: texts.length },
    });
    line = await readLine('test-jina-tiny');
    let compared = 0;
    for (const [index, { text }] of texts.entries()) {
      const right = golden.texts.find((candidate) => candidate.text === text.normalize('NFC').trimEnd());
      if (right === undefined) continue;
      const [row] = await line.rows(`golden-${index}`);
      const { vector } = row!;
      const where = text.slice(0, 20);
      expect(largestDifference(vector, floats(right.vectors['retrieval.passage']!.v32)), where).toBeLessThanOrEqual(
        1e-5,
      );
      // Of the engine's own reply it is exactly the first 32, made unit length.
      const own = cutVector(await askEngine(right.text), 32);
      expect(largestDifference(vector, own), where).toBeLessThanOrEqual(1e-6);
      expect(Math.abs(Math.hypot(...vector) - 1), where).toBeLessThanOrEqual(1e-6);
      compared += 1;
    }
    expect(compared).toBeGreaterThanOrEqual(10);
  });

  test('documents of the corpus, cut at 2,048–4,096 tokens, become what the Python reference computed', async () => {
    const before = engine.rows;
    const summary = await sluice.ingest([join(folder, 'corpus')]);
    const documents = new Set(reference.chunks.map((chunk) => chunk.document));
    expect(summary).toMatchObject({
      exitCode: 0,
      documents: { accepted: documents.size, stored: documents.size },
      chunks: { stored: reference.chunks.length, dead: 0 },
    });
    expect(reference.chunks.length).toBeLessThanOrEqual(40);
    for (const document of documents) {
      const expected = reference.chunks.filter((chunk) => chunk.document === document);
      const rows = await line.rows(`corpus/${document}`);
      expect(
        rows.map((row) => [row.ordinal, row.chunk_hash]),
        `${dirname(document)}: if the cuts changed on purpose, make the reference anew (test/fixtures/jina-v3-tiny/README.md)`,
      ).toEqual(expected.map((chunk) => [chunk.ordinal, chunk.hash]));
      for (const [ordinal, row] of rows.entries()) {
        const right = cutVector(floats(expected[ordinal]!.v), 32);
        expect(cosine(row.vector, right), document).toBeGreaterThan(0.99999);
        expect(largestDifference(row.vector, right), document).toBeLessThanOrEqual(1e-5);
      }
    }
    expect(engine.rows - before).toBeGreaterThanOrEqual(reference.chunks.length);
    const long = engine.sizes().filter(({ longest }) => longest > 2_048);
    expect(long.length).toBeGreaterThan(0);
    expect(long.filter(({ rows }) => rows > 1)).toEqual([]);
  }, 300_000);

  test('their rows give back every character of their sources exactly once', async () => {
    const { config } = loadConfig([{ name: 'test', values: tinySettings(engine.url) }]);
    const { limits } = await planLine(config);
    const chunker = createChunker(createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER)), limits);
    const read = { stdin: Readable.from([]), maxDocumentBytes: 16_777_216, maxLineBytes: 16_777_216 };
    let compared = 0;
    for await (const item of readDocuments(await resolveInputs([join(folder, 'corpus')]), read)) {
      if (item.type !== 'document') throw new Error(item.fault.where);
      const { id } = item.document;
      const rows = await line.rows(id);
      const { source } = chunker.cut(item.document);
      expect(new Set(rows.map((row) => [row.rev, row.chunk_count].join())).size, id).toBe(1);
      expect([rows.length, rows.map(({ start, end }) => source.slice(start, end))]).toEqual([
        rows[0]!.chunk_count,
        rows.map(({ text }) => text),
      ]);
      expect([uncovered(source, rows), overlaps(rows)], id).toEqual(['', false]);
      compared += 1;
    }
    expect(compared).toBe(new Set(reference.chunks.map((chunk) => chunk.document)).size);
  });

  test('the same again: everything unchanged, and the engine receives no request', async () => {
    const before = engine.requests;
    const summary = await sluice.ingest([join(folder, 'corpus')]);
    expect(summary.documents).toMatchObject({ unchanged: summary.documents.read, accepted: 0 });
    expect([summary.engineRequests, engine.requests]).toEqual([0, before]);
  });

  test('one sentence more in the longest document embeds one or two chunks, and leaves no older row', async () => {
    const [longest] = Object.entries(Object.groupBy(reference.chunks, ({ document }) => document)).toSorted(
      ([, a], [, b]) => b!.length - a!.length,
    )[0]!;
    const path = join(folder, 'corpus', longest);
    const before = await line.rows(`corpus/${longest}`);
    const text = await readFile(path, 'utf8');
    // Within the last chunk: a cut before it stays where it was.
    await writeFile(path, `${text.trimEnd()} One more sentence.\n`);
    const summary = await sluice.ingest([join(folder, 'corpus')]);
    expect(summary).toMatchObject({ documents: { accepted: 1, stored: 1 }, exitCode: 0 });
    const embedded = summary.chunks.stored - summary.chunks.reused;
    expect([1, 2]).toContain(embedded);
    const after = await line.rows(`corpus/${longest}`);
    expect(new Set(after.map((row) => row.rev)).size).toBe(1);
    const vectors = new Map(before.map((row) => [row.chunk_hash, row.vector]));
    const reused = after.filter((row) => vectors.has(row.chunk_hash));
    expect(reused.length).toBe(after.length - embedded);
    for (const row of reused) expect(row.vector).toEqual(vectors.get(row.chunk_hash));
  });

  test('a document that shrank has only its new row; one that is gone has none after --prune, and nothing else changes', async () => {
    const all = [...new Set(reference.chunks.map((chunk) => chunk.document))];
    const shrinking = reference.chunks.find(({ ordinal }) => ordinal === 2)!.document;
    const [gone, ...others] = all.filter((document) => document !== shrinking);
    expect((await line.rows(`corpus/${shrinking}`)).length).toBe(3);
    await writeFile(join(folder, 'corpus', shrinking), 'Only this is left.');
    await sluice.ingest([join(folder, 'corpus')]);
    expect((await line.rows(`corpus/${shrinking}`)).map(({ text }) => text)).toEqual(['Only this is left.']);
    const look = () => Promise.all(others.map(async (document) => snapshot(await line.rows(`corpus/${document}`))));
    const before = await look();
    await rm(join(folder, 'corpus', gone!));
    const summary = await sluice.ingest([join(folder, 'corpus'), '--prune']);
    expect(summary).toMatchObject({ exitCode: 0, documents: { deleted: 1, accepted: 0 }, engineRequests: 0 });
    expect(await line.rows(`corpus/${gone}`)).toEqual([]);
    expect(await look()).toEqual(before);
  });

  test('a query goes out with the query task and finds its text', async () => {
    const { lines, code } = await sluice.run(['query', 'Follow the white rabbit.', '--json', '-k', '3']);
    expect([code, lines.length]).toEqual([0, 3]);
  });

  test('a run that fails while it reads prunes nothing', async () => {
    const document = (i: number, text: string) => `${JSON.stringify({ id: `kept-${i}`, text })}\n`;
    const before = Array.from({ length: 12 }, (_, i) => 128 + i);
    await sluice.ingest(['-', '--source', 'kept'], before.map((i) => document(i, 'before')).join(''));
    engine.become({ adapter: 'ignored' });
    try {
      const child = sluice.start(['ingest', '-', '--source', 'kept', '--prune', '--wait', '--json']);
      const exited = once(child, 'exit');
      child.stdout!.resume();
      child.stderr!.resume();
      child.stdin!.on('error', () => undefined);
      // The first group is accepted, so a worker is started and refuses the engine. The input never ends.
      for (let i = 0; i < 128; i += 1) child.stdin!.write(document(i, 'after'));
      while (child.exitCode === null) {
        child.stdin!.write(document(128, 'after'));
        await delay(100);
      }
      expect((await exited)[0]).toBe(1);
      const states = await line.ledger.read(before.map((i) => line.key(`kept-${i}`)));
      expect(states.map((state) => state?.wholeRevision !== undefined)).toEqual(before.map(() => true));
      expect(states.filter((state) => state?.state === 'deleted')).toEqual([]);
    } finally {
      engine.become({});
    }
  });

  test.each([
    ['the task is ignored', { adapter: 'ignored' }, 'task_ignored'],
    ['the text-matching adapter is merged in', { adapter: 'text-matching' }, /wrong_adapter|task_ignored/],
    ['the instruction is missing', { prefixes: 0 }, 'prefix_missing'],
    ['the instruction is doubled', { prefixes: 2 }, 'prefix_doubled'],
    ['the first token is taken instead of the mean', { pooling: 'cls' }, 'wrong_pooling'],
    ['over-long texts are cut silently', { cutsSilently: true }, 'silent_truncation'],
  ] as const)('an engine is refused before it embeds a document when %s', async (_what, flags, code) => {
    engine.become(flags);
    try {
      const before = engine.texts().length;
      const result = await sluice.run(
        ['ingest', '-', '--wait', '--json'],
        '{"id":"never","text":"Never to be embedded by a wrong engine."}\n',
      );
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(code);
      expect(
        engine
          .texts()
          .slice(before)
          .some((text) => text.includes('Never to be embedded')),
      ).toBe(false);
      expect(await line.rows('never')).toEqual([]);
    } finally {
      engine.become({});
    }
  });
});
