/** What must hold for every document and every limit. */
import { embeddedText, type TextFormat, totalTokens } from '@sluice/core';
import { createTokenizer, loadTokenizerModel, type Tokenizer } from '@sluice/tokenizer';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { anything, html, limits, markdown, program, word } from '../testing/documents.ts';
import { assertSound } from '../testing/soundness.ts';
import { type CutDocument, createChunker } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';

const usual: ChunkLimits = {
  targetTokens: 2_048,
  maxTokens: 4_096,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 9,
};
/** Small chunks make many cuts of little text. */
const small: ChunkLimits = { ...usual, targetTokens: 40, maxTokens: 80 };

let tokenizer: Tokenizer;
/** Shares nothing with the chunker's: it remembers no word the chunker saw. */
let independent: Tokenizer;

beforeAll(async () => {
  const model = await loadTokenizerModel();
  tokenizer = createTokenizer(model);
  independent = createTokenizer(model);
});

function cutOf(text: string, format: TextFormat = 'markdown', limits = small, title?: string): CutDocument {
  return createChunker(tokenizer, limits).cut({ text, format, ...(title !== undefined && { title }) });
}

describe('every document', () => {
  it.each([
    ['markdown', markdown, 150],
    ['html', html, 120],
    ['text', markdown, 80],
    ['markdown', anything, 150],
    ['text', anything, 150],
    ['html', anything, 80],
    ['typescript', program, 80],
    ['python', program, 50],
    ['rust', anything, 50],
    ['code', program, 50],
  ] as const)('cut as %s is covered once, in slices, within both limits, counted exactly', (format, texts, numRuns) => {
    fc.assert(
      fc.property(texts, limits, fc.option(word, { nil: undefined }), (text, chosen, title) => {
        const cut = cutOf(text, format, chosen, title);
        assertSound(cut, chosen, independent);
        expect(cutOf(text, format, chosen, title)).toEqual(cut);
      }),
      { numRuns },
    );
  });

  it('has the counts of its text composed, whatever form it is stored in', () => {
    const text = '# Đồng bằng\n\nSông Cửu Long chảy qua đồng bằng.\n'.repeat(20);
    const composed = cutOf(text.normalize('NFC'));
    const decomposed = cutOf(text.normalize('NFD'));
    expect(decomposed.chunks.map(({ hash, tokens }) => ({ hash, tokens }))).toEqual(
      composed.chunks.map(({ hash, tokens }) => ({ hash, tokens })),
    );
    expect(decomposed.chunks[0]!.text).not.toBe(composed.chunks[0]!.text);
    assertSound(decomposed, small, independent);
  });

  it.each(['', ' \n\t\u3000\n', '\u200b\u200b', '\n'.repeat(200_000)])('without text gives no chunks', (text) => {
    for (const format of ['text', 'markdown', 'html'] as const) expect(cutOf(text, format).chunks).toEqual([]);
  });

  it('counts literal special tokens as the reference does', () => {
    const cut = cutOf('a </s> b <mask> c');
    expect(cut.chunks[0]!.tokens.text).toBe(5);
    assertSound(cut, small, independent);
  });
});

describe('input made to hurt', () => {
  const letters = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * n * 7 + n) % 251)).toString('base64');
  it.each([
    ['a megabyte without a space', 'text', 'qwertyuiop'.repeat(100_000)],
    ['a base64 blob', 'markdown', letters],
    ['two megabytes on one line', 'text', 'The gate feeds the wheel. '.repeat(80_000)],
    ['two paragraphs far apart', 'markdown', `a${'\n'.repeat(200_000)}b`],
    ['100,000 list items inside one another', 'markdown', `${'- '.repeat(100_000)}x`],
    ['100,000 quotes inside one another', 'markdown', `${'>'.repeat(100_000)}x`],
    ['a fence opener of 300 kB', 'markdown', '`'.repeat(300_000)],
    ['100,000 headings', 'markdown', '# h\n'.repeat(100_000)],
    ['a letter under 200,000 marks', 'text', `a${'\u0301'.repeat(200_000)}`],
    ['100,000 open elements', 'html', `${'<div>'.repeat(100_000)}x`],
    ['misnested elements', 'html', '<div><p><b><i>x</div>'.repeat(20_000)],
    ['a paragraph of a page of 3 MB', 'html', `<p>${'word '.repeat(600_000)}`],
    ['a paragraph of a page of 600,000 lines', 'html', `<p>${'word<br>'.repeat(600_000)}`],
    [
      'hidden items under open elements',
      'html',
      `<p>x</p><li hidden>${'<div>'.repeat(50_000)}${'<ul><li hidden><ul><li>'.repeat(50_000)}`,
    ],
    ['an unclosed script', 'html', `<p>text</p><script>${'<!--'.repeat(100_000)}`],
  ] as const)('%s: within limits and whole, each character counted a few times at most', (_name, format, text) => {
    let characters = 0;
    const counting: Tokenizer = {
      ...{ name: tokenizer.name, specialTokens: tokenizer.specialTokens, addsUp: tokenizer.addsUp },
      count(slice, start = 0, end = slice.length) {
        characters += end - start;
        return tokenizer.count(slice, start, end);
      },
      encode: (slice) => tokenizer.encode(slice),
      encodeWithSpecials: (slice) => tokenizer.encodeWithSpecials(slice),
    };
    const { source, chunks } = createChunker(counting, usual).cut({ text, format });
    expect(characters).toBeLessThanOrEqual(6 * source.length);
    let covered = 0;
    for (const chunk of chunks) {
      expect(chunk.text).toBe(source.slice(chunk.start, chunk.end));
      expect(source.slice(covered, chunk.start)).not.toMatch(/\S/);
      expect(totalTokens(chunk.tokens)).toBeLessThanOrEqual(usual.maxTokens);
      expect(Buffer.byteLength(chunk.text)).toBeLessThanOrEqual(usual.maxBytes);
      expect(chunk.tokens.text).toBe(independent.count(embeddedText(chunk)));
      covered = chunk.end;
    }
    expect(chunks.length).toBeGreaterThan(0);
    expect(source.slice(covered)).not.toMatch(/\S/);
  });

  it('more chunks than a document may have is refused by name', () => {
    const tiny = { ...usual, targetTokens: 20, maxTokens: 20, headings: false };
    expect(() => cutOf('word '.repeat(200_000), 'text', tiny)).toThrow(
      expect.objectContaining({ code: 'too_many_chunks' }),
    );
  });
});

it('refuses limits that leave no room, naming all problems', () => {
  expect(() => createChunker(tokenizer, { ...usual, targetTokens: 9_000, maxTokens: 12, overlapTokens: -1 })).toThrow(
    expect.objectContaining({
      code: 'bad_configuration',
      what: expect.stringMatching(/overlapTokens.*targetTokens.*leaves/s),
    }),
  );
});
