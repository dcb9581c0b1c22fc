import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { expect, it } from 'vitest';
import { type CutDocument, chunksPage, createChunker } from './index.ts';

const limits = {
  targetTokens: 60,
  maxTokens: 120,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 9,
};
const chunker = createChunker(createTokenizer(await loadTokenizerModel()), limits);

const renderChunksHtml = (file: string, cut: CutDocument) =>
  chunksPage.head(file) + chunksPage.file(file, cut) + chunksPage.foot;

it('shows every chunk whole and escaped, with nothing from elsewhere', () => {
  const text = `# <script>alert("1")</script> & 'x'\n\n${'<img src=x onerror=y> & so on. '.repeat(60)}`;
  const cut = chunker.cut({ text, format: 'markdown' });
  const page = renderChunksHtml('<b>.md', cut);
  expect(page.match(/<section/g)).toHaveLength(cut.chunks.length);
  expect(page).not.toMatch(/<(?:script|img|link)/);
  expect(page).not.toMatch(/https?:|url\(/);
  expect(page).toContain('&#60;b&#62;.md');
  expect(page).toContain('prefers-color-scheme: dark');
  const shown = [...page.matchAll(/<pre>(?:<span class="context">[^<]*<\/span>)?([^<]*)<\/pre>/g)].map(([, body]) =>
    body!.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
  );
  expect(shown).toEqual(cut.chunks.map((chunk) => chunk.text));
});

it('says so when there is nothing', () => {
  expect(renderChunksHtml('empty.txt', chunker.cut({ text: ' \n', format: 'text' }))).toContain('No chunks');
});
