/** Real documents: all that is promised holds for each, and a change of their cuts is a change of the chunker's version. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createTokenizer, loadTokenizerModel, type Tokenizer } from '@sluice/tokenizer';
import { beforeAll, describe, expect, it } from 'vitest';
import { exampleDocuments } from '../testing/example-corpus.ts';
import { assertSound } from '../testing/soundness.ts';
import { chunkerVersion, createChunker } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';

const usual: ChunkLimits = {
  targetTokens: 2_048,
  maxTokens: 4_096,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 9,
};
const documents = exampleDocuments();
/** Digests of every cut of the corpus, by chunkerVersion. Texts that are cut otherwise need another version: lines know by it what to cut anew. */
const cutsOfVersion: Record<string, string> = {
  '3': '09578f660af4af39',
};

let tokenizer: Tokenizer;
/** The reference library itself, which shares no code with the chunker's counter. */
let reference: Tokenizer;

beforeAll(async () => {
  tokenizer = createTokenizer(await loadTokenizerModel());
  const path = fileURLToPath(new URL('../../tokenizer/data/tokenizer.json.br', import.meta.url));
  reference = createTokenizer({ kind: 'library', name: 'reference', sha256: '', path, reason: 'this test' });
});

describe('the example corpus', () => {
  it.each([
    ['as usual', usual],
    ['in small chunks', { ...usual, targetTokens: 256, maxTokens: 512 }],
    ['in tiny chunks that overlap', { ...usual, targetTokens: 60, maxTokens: 120, overlapTokens: 12 }],
  ] as const)(
    '%s is covered once, in slices, within both limits, counted as the reference library counts each chunk',
    (_name, limits) => {
      const chunker = createChunker(tokenizer, limits);
      for (const { name, ...document } of documents) {
        try {
          assertSound(chunker.cut(document), limits, reference);
        } catch (error) {
          throw new Error(name, { cause: error });
        }
      }
    },
    120_000,
  );

  it('is cut as this version of the chunker cuts it', () => {
    const chunker = createChunker(tokenizer, usual);
    const digest = createHash('sha256');
    for (const { name, ...document } of documents) {
      for (const { start, end, hash } of chunker.cut(document).chunks)
        digest.update(`${name} ${start} ${end} ${hash}\n`);
    }
    expect(digest.digest('hex').slice(0, 16)).toBe(cutsOfVersion[chunkerVersion]);
  });
});
