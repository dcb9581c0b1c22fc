/**
 * The whole path with the real architecture: jina-v3-tiny behind the Jina protocol, counted by its own tokenizer, passage
 * task, cut to 32 dimensions. What is right was computed by the Python reference stack, never by an engine of ours.
 */
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cutVector } from '@sluice/embedder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JinaTinyServer, startJinaTinyServer, tinyFolder } from '../support/jina-tiny-server.ts';
import { type LineReader, readLine } from './line-reader.ts';
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
      expect(cosine(row!.vector, floats(right.vectors['retrieval.passage']!.v32)), text.slice(0, 20)).toBeGreaterThan(
        0.99999,
      );
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
        expect(cosine(row.vector, cutVector(floats(expected[ordinal]!.v), 32)), document).toBeGreaterThan(0.99999);
      }
    }
    expect(engine.rows - before).toBeGreaterThanOrEqual(reference.chunks.length);
  }, 300_000);

  test('the same again: everything unchanged, and the engine receives no request', async () => {
    const before = engine.requests;
    const summary = await sluice.ingest([join(folder, 'corpus')]);
    expect(summary.documents).toMatchObject({ unchanged: summary.documents.read, accepted: 0 });
    expect([summary.engineRequests, engine.requests]).toEqual([0, before]);
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
