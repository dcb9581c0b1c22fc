/** An edit is local: it changes the chunk it is in, seldom a neighbour, and never another section's. */
import { createTokenizer, loadTokenizerModel, type Tokenizer } from '@sluice/tokenizer';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { createChunker } from './chunker.ts';

const limits = {
  targetTokens: 100,
  maxTokens: 200,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 0,
};
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = createTokenizer(await loadTokenizerModel());
});
const cutOf = (text: string) => createChunker(tokenizer, limits).cut({ text, format: 'markdown' }).chunks;

const words = fc.array(
  fc.constantFrom(...'water mill wheel gate river stone turns flows grinds slowly over under'.split(' ')),
  {
    minLength: 3,
    maxLength: 40,
  },
);
const paragraphs = fc.array(
  words.map((all) => `${all.join(' ')}.`),
  { minLength: 8, maxLength: 30 },
);

it('an edit in a section leaves every chunk of other sections as it was, unless it now shares a chunk with the edited one', () => {
  fc.assert(
    fc.property(
      fc.array(paragraphs, { minLength: 3, maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      words,
      (sections, which, where, text) => {
        const write = (all: string[][]) => all.map((body, n) => `# Section ${n}\n\n${body.join('\n\n')}`);
        const at = which % sections.length;
        const before = write(sections);
        const after = write(
          sections.map((body, n) =>
            n === at ? body.map((old, line) => (line === where % body.length ? text.join(' ') : old)) : body,
          ),
        );
        if ([...before, after[at]!].some((section) => tokenizer.count(section) < 2 * limits.targetTokens)) return;
        const chunks = cutOf(before.join('\n\n'));
        const start = before.slice(0, at).reduce((sum, section) => sum + section.length + 2, 0);
        const end = start + before[at]!.length;
        const chunksAfter = cutOf(after.join('\n\n'));
        const kept = new Set(chunksAfter.map(({ hash }) => hash));
        const endAfter = start + after[at]!.length;
        for (const { hash, ...chunk } of chunks) {
          if ((chunk.start < end && chunk.end > start) || kept.has(hash)) continue;
          const moved = chunk.start < start ? 0 : endAfter - end;
          const now = chunksAfter.filter((other) => other.start < chunk.end + moved && other.end > chunk.start + moved);
          expect(now.some((other) => other.start < endAfter && other.end > start)).toBe(true);
        }
      },
    ),
    { numRuns: 150 },
  );
});

it('an edit of one paragraph in a text without headings changes one chunk, seldom two', () => {
  const wide = { ...limits, targetTokens: 400, maxTokens: 800 };
  const cutWide = (body: string[]) =>
    createChunker(tokenizer, wide)
      .cut({ text: body.join('\n\n'), format: 'markdown' })
      .chunks.map(({ hash }) => hash);
  const body = fc.sample(words, { numRuns: 1_200, seed: 3 }).map((all) => `${all.join(' ')}.`);
  const before = cutWide(body);
  expect(before.length).toBeGreaterThan(25);
  const changes = Array.from({ length: 100 }, (_, n) => {
    const after = new Set(cutWide(body.map((old, line) => (line === n * 12 ? `${old} And one sentence more.` : old))));
    return before.filter((hash) => !after.has(hash)).length;
  });
  const [one, two] = [1, 2].map((most) => changes.filter((count) => count <= most).length);
  expect(one).toBeGreaterThanOrEqual(85);
  expect(two).toBeGreaterThanOrEqual(92);
  expect(Math.max(...changes)).toBeLessThanOrEqual(6);
});

it('among sections far smaller than a chunk an edit stays near: it seldom reaches beyond the neighbours of its chunk', () => {
  const body = fc.array(
    fc.array(fc.constantFrom(...'water mill wheel gate river stone turns flows'.split(' ')), {
      minLength: 3,
      maxLength: 30,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  const documents = fc.sample(fc.array(body, { minLength: 60, maxLength: 60 }), { numRuns: 20, seed: 5 });
  const reaches: number[] = [];
  for (const document of documents) {
    const sections = document.map(
      (all, n) => `# Section ${n}\n\n${all.map((each) => `${each.join(' ')}.`).join('\n\n')}`,
    );
    const before = cutOf(sections.join('\n\n'));
    for (let at = 2; at < sections.length; at += 5) {
      const after = sections.map((section, n) => (n === at ? `${section} And one sentence was added to it.` : section));
      const kept = new Set(cutOf(after.join('\n\n')).map(({ hash }) => hash));
      const start = sections.slice(0, at).reduce((sum, section) => sum + section.length + 2, 0);
      const own = before.findIndex((chunk) => chunk.end > start);
      const gone = before.filter(({ hash }) => !kept.has(hash)).map(({ ordinal }) => Math.abs(ordinal - own));
      reaches.push(Math.max(...gone));
    }
  }
  const share = (most: number) => reaches.filter((reach) => reach <= most).length / reaches.length;
  expect(reaches.length).toBeGreaterThan(200);
  expect(share(1)).toBeGreaterThan(0.93);
  expect(share(2)).toBeGreaterThan(0.97);
  expect(Math.max(...reaches)).toBeLessThanOrEqual(6);
});
