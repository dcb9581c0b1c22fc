/**
 * The properties of chunker.test.ts at length: 20,000 documents of each kind (or as many as said), another seed each time. Prints
 * the seed and the smallest document that breaks one.
 *
 *     node tools/prove-properties.ts [RUNS]
 */
import assert from 'node:assert/strict';
import type { TextFormat } from '@sluice/core';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import fc from 'fast-check';
import { createChunker } from '../src/chunker.ts';
import { anything, html, limits, markdown, program, word } from '../testing/documents.ts';
import { assertSound } from '../testing/soundness.ts';

const numRuns = Number(process.argv[2] ?? 20_000);
const model = await loadTokenizerModel();
const tokenizer = createTokenizer(model);
const independent = createTokenizer(model);
const kinds: [TextFormat, fc.Arbitrary<string>][] = [
  ['markdown', markdown],
  ['html', html],
  ['text', markdown],
  ['markdown', anything],
  ['text', anything],
  ['html', anything],
  ['typescript', program],
  ['cpp', program],
  ['php', anything],
  ['code', program],
];
for (const [format, texts] of kinds) {
  fc.assert(
    fc.property(texts, limits, fc.option(word, { nil: undefined }), (text, chosen, title) => {
      const document = { text, format, ...(title !== undefined && { title }) };
      const cut = createChunker(tokenizer, chosen).cut(document);
      assertSound(cut, chosen, independent);
      assert.deepEqual(createChunker(tokenizer, chosen).cut(document), cut, 'not deterministic');
    }),
    { numRuns },
  );
  console.log(`${format}: ${numRuns.toLocaleString('en')} documents sound`);
}
