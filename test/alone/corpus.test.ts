/** The example corpus through the command, with the embedded engine: what a newcomer's first start must have done. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { createChunker } from '@sluice/chunker';
import { embeddedText, loadConfig, silentLogger, type TextFormat, totalTokens } from '@sluice/core';
import { createEngine, cutVector } from '@sluice/embedder';
import { planLine } from '@sluice/line';
import { readDocuments, resolveInputs } from '@sluice/producer';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LineReader, readLine, snapshot } from '../e2e/line-reader.ts';
import { corpusFolder, createSluice, type Sluice } from '../e2e/sluice.ts';
import { largestDifference, overlaps, uncovered } from '../support/coverage.ts';
import { milvusWrites } from '../support/milvus-writes.ts';

let folder: string;
let corpus: string;
let sluice: Sluice;
let line: LineReader;
const documents = new Map<string, { text: string; format: TextFormat }>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-corpus-'));
  corpus = join(folder, 'corpus');
  await cp(corpusFolder, corpus, { recursive: true });
  const limits = { maxDocumentBytes: 16_777_216, maxLineBytes: 16_777_216 };
  for await (const item of readDocuments(await resolveInputs([corpus]), { stdin: Readable.from([]), ...limits })) {
    if (item.type === 'document') documents.set(item.document.id, item.document);
  }
  sluice = createSluice('test-corpus');
});

afterAll(async () => {
  await line?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the example corpus, in this order', () => {
  test('every document is accepted and stored', async () => {
    const summary = await sluice.ingest([corpus]);
    line = await readLine('test-corpus');
    expect(documents.size).toBeGreaterThanOrEqual(60);
    expect(summary).toMatchObject({
      exitCode: 0,
      rejectedByCode: {},
      documents: { read: documents.size, accepted: documents.size, stored: documents.size, partial: 0 },
    });
    expect(summary.chunks.stored).toBe(summary.chunks.accepted);
    expect(await line.countRows()).toBe(summary.chunks.stored);
  });

  test('the rows of each document are one revision, whole, and give back every character of its source exactly once', async () => {
    const chunker = await chunkerOfTheLine();
    const all = new Map<string, Awaited<ReturnType<LineReader['rows']>>>();
    const limit = pLimit(16);
    await Promise.all([...documents.keys()].map((id) => limit(async () => all.set(id, await line.rows(id)))));
    for (const [id, document] of documents) {
      const rows = all.get(id)!;
      expect(
        rows.map((row) => row.ordinal),
        id,
      ).toEqual(rows.map((_, ordinal) => ordinal));
      expect(new Set(rows.map((row) => row.rev)).size, id).toBe(1);
      expect(new Set(rows.map((row) => row.chunk_count)), id).toEqual(new Set([rows.length]));
      const { source } = chunker.cut(document);
      for (const { start, end, text } of rows) {
        expect(source.slice(start, end), id).toBe(text);
      }
      expect(uncovered(source, rows), id).toBe('');
      expect(overlaps(rows), id).toBe(false);
    }
  });

  test('no chunk has more tokens than it may, counted anew', async () => {
    const chunker = await chunkerOfTheLine();
    const { limits } = await planLine(loadConfig([{ name: 'test', values: {} }]).config);
    const tokenizer = createTokenizer(await loadTokenizerModel());
    for (const document of documents.values()) {
      for (const chunk of chunker.cut(document).chunks) {
        // As the engine gets it: whole, with the two tokens that enclose it.
        const counted = tokenizer.count(embeddedText(chunk)) + 2 + limits.instructionTokens;
        expect(counted).toBe(totalTokens(chunk.tokens));
        expect(counted).toBeLessThanOrEqual(4_096);
      }
    }
  });

  test('vectors in Milvus are the engine’s own, cut and made unit length', async () => {
    const { config } = loadConfig([{ name: 'test', values: {} }]);
    const engine = await createEngine(config, { logger: silentLogger });
    const chunker = await chunkerOfTheLine();
    try {
      for (const id of [
        'corpus/en/debian-developers-reference.md',
        'corpus/zh/mengzi.md',
        'corpus/vi/gnome-pin-kem-hon-windows.md',
      ]) {
        const { chunks } = chunker.cut(documents.get(id)!);
        const rows = await line.rows(id);
        const { vectors } = await engine.embed({
          texts: chunks.map(embeddedText),
          tokens: chunks.map((chunk) => totalTokens(chunk.tokens)),
          role: 'passage',
        });
        expect(rows.length).toBe(chunks.length);
        for (const [ordinal, row] of rows.entries())
          expect(largestDifference(row.vector, cutVector(vectors[ordinal]!, 256)), id).toBeLessThan(1e-6);
      }
    } finally {
      await engine.close();
    }
  });

  test('the same again is all unchanged: no engine request, no write to Milvus', async () => {
    const before = await milvusWrites();
    expect(before.inserted).toBeGreaterThan(0);
    const summary = await sluice.ingest([corpus]);
    expect(summary.documents).toMatchObject({
      read: documents.size,
      unchanged: documents.size,
      accepted: 0,
      stored: 0,
    });
    expect([summary.engineRequests, summary.chunks.stored]).toEqual([0, 0]);
    expect(await milvusWrites()).toEqual(before);
  });

  test('one paragraph changed in the longest document embeds one or two chunks and leaves no older row', async () => {
    const id = 'corpus/en/debian-developers-reference.md';
    const path = join(folder, id);
    const before = await line.rows(id);
    const text = await readFile(path, 'utf8');
    expect(text.length).toBe(Math.max(...[...documents.values()].map((document) => document.text.length)));
    const paragraphs = [...text.matchAll(/\n\n([A-Z][^\n#|`]{50,}\n)/g)];
    const middle = paragraphs[Math.floor(paragraphs.length / 2)]![1]!;
    await writeFile(path, text.replace(middle, `One more sentence. ${middle}`));

    const summary = await sluice.ingest([corpus]);
    expect(summary.documents).toMatchObject({ unchanged: documents.size - 1, accepted: 1, stored: 1 });
    expect(summary.engineRequests).toBeGreaterThanOrEqual(1);
    expect(summary.chunks.stored - summary.chunks.reused).toBeGreaterThanOrEqual(1);
    expect(summary.chunks.stored - summary.chunks.reused).toBeLessThanOrEqual(2);
    const after = await line.rows(id);
    expect(new Set(after.map((row) => row.rev)).size).toBe(1);
    const vectors = new Map(before.map((row) => [row.chunk_hash, row.vector]));
    const kept = after.filter((row) => vectors.has(row.chunk_hash));
    expect(after.length - kept.length).toBeLessThanOrEqual(2);
    for (const row of kept) expect(row.vector).toEqual(vectors.get(row.chunk_hash));
  });

  test('a document that shrank has only its new rows', async () => {
    const id = 'corpus/zh/mengzi.md';
    expect((await line.rows(id)).length).toBeGreaterThan(10);
    await writeFile(join(folder, id), '# 孟子\n\n孟子見梁惠王。\n');
    expect((await sluice.ingest([corpus])).documents).toMatchObject({ accepted: 1, stored: 1 });
    expect((await line.rows(id)).map((row) => row.text)).toEqual(['# 孟子\n\n孟子見梁惠王。']);
  });

  test('one file removed, run again with --prune: its rows are gone, nothing else changed', async () => {
    const gone = 'corpus/en/jargon-story-about-magic.txt';
    const others = [...documents.keys()].filter((id) => id !== gone);
    const limit = pLimit(16);
    const look = () => Promise.all(others.map((id) => limit(async () => snapshot(await line.rows(id)))));
    const before = await look();
    await rm(join(folder, gone));
    const kept = await sluice.ingest([corpus]);
    expect(kept.documents.deleted).toBe(0);
    expect((await line.rows(gone)).length).toBeGreaterThan(0);

    const summary = await sluice.ingest([corpus, '--prune']);
    expect(summary.documents).toMatchObject({ deleted: 1, accepted: 0, unchanged: documents.size - 1 });
    expect(summary.lines.filter((event) => event.type === 'pruned')).toEqual([{ type: 'pruned', id: gone }]);
    expect(await line.rows(gone)).toEqual([]);
    expect(await look()).toEqual(before);
  });

  test('pruning is refused when much would go, and when something could not be read', async () => {
    const small = join(folder, 'small', basename(corpus));
    await cp(join(corpus, 'vi'), join(small, 'vi'), { recursive: true });
    const other = await sluice.run(['ingest', small, '--source', 'corpus', '--prune', '--wait', '--json']);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('source_root_changed')]);

    await rm(join(corpus, 'zh'), { recursive: true });
    const many = await sluice.run(['ingest', corpus, '--prune', '--wait', '--json']);
    expect([many.code, many.stderr]).toEqual([2, expect.stringMatching(/prune_refused.*more than it may/s)]);
    expect((await line.rows('corpus/zh/taohuayuan-ji.txt')).length).toBeGreaterThan(0);

    await writeFile(join(corpus, 'broken.md'), Buffer.from([0x61, 0xff]));
    const faulty = await sluice.run(['ingest', corpus, '--prune', '--prune-max', '100', '--wait', '--json']);
    expect([faulty.code, faulty.stderr]).toEqual([2, expect.stringMatching(/prune_refused.*could not be read/s)]);
  });

  test('a search finds the document that answers it', async () => {
    const { lines, code } = await sluice.run([
      'query',
      'Tại sao pin máy tính xách tay hết nhanh hơn so với khi dùng Windows?',
      '-k',
      '3',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(lines.map((hit) => hit.rank)).toEqual([1, 2, 3]);
    expect(lines[0]).toMatchObject({ docId: 'corpus/vi/gnome-pin-kem-hon-windows.md', ordinal: 0, start: 0 });
  });
});

async function chunkerOfTheLine() {
  const { limits } = await planLine(loadConfig([{ name: 'test', values: {} }]).config);
  return createChunker(createTokenizer(await loadTokenizerModel()), limits);
}
