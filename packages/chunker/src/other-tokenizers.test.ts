/** What is promised holds for every tokenizer.json, also where counts do not add up at white space. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anything, html, limits, markdown, program } from '../testing/documents.ts';
import { byteLevelBpe, metaspaceAlone } from '../testing/other-tokenizers.ts';
import { assertSound } from '../testing/soundness.ts';
import { createChunker } from './chunker.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tokenizers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ['byte-level BPE', byteLevelBpe],
  ['Metaspace without a split at white space', metaspaceAlone],
])('%s', (name, json) => {
  const open = async () => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, json());
    return loadTokenizerModel(path);
  };

  it('is a tokenizer whose counts do not add up', async () => {
    const tokenizer = createTokenizer(await open());
    expect(tokenizer.addsUp).toBe(false);
    expect(tokenizer.count('the\n\nwheel')).not.toBe(tokenizer.count('the') + tokenizer.count('wheel'));
  });

  it('cuts every document soundly, counted as the library counts each chunk', async () => {
    const model = await open();
    const [tokenizer, independent] = [createTokenizer(model), createTokenizer(model)];
    for (const [format, texts, numRuns] of [
      ['markdown', markdown, 60],
      ['html', html, 30],
      ['text', anything, 60],
      ['typescript', program, 30],
    ] as const) {
      fc.assert(
        fc.property(texts, limits, (text, chosen) => {
          assertSound(createChunker(tokenizer, chosen).cut({ text, format }), chosen, independent);
        }),
        { numRuns },
      );
    }
    // Many short lines: what lies between them is a third of all tokens.
    const lines = Array.from({ length: 3_000 }, (_, n) => `- ${'wheel '.repeat(n % 4)}x`).join('\n\n');
    for (const [targetTokens, maxTokens] of [
      [100, 200],
      [2_048, 4_096],
    ] as const) {
      const chosen = {
        targetTokens,
        maxTokens,
        maxBytes: 65_535,
        overlapTokens: 0,
        headings: true,
        instructionTokens: 9,
      };
      assertSound(createChunker(tokenizer, chosen).cut({ text: lines, format: 'markdown' }), chosen, independent);
    }
  }, 120_000);
});
