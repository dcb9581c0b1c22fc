/**
 * How many chunks an edit changes: in each long Markdown or text document of the example corpus, one sentence is added to one of
 * some sixty paragraphs at a time, and the chunks whose hash is gone are counted; of Markdown also those among them that hold nothing of the
 * section with the edit, which reaches from one heading to the next.
 *
 *     node bench/chunker/locality.ts
 */
import { createChunker } from '@sluice/chunker';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { limits } from './contenders.ts';
import { exampleCorpus, readCorpus } from './corpus.ts';

const SENTENCE = ' And one more sentence was added to this paragraph.';
const EDITS = 60;
/** Documents of fewer chunks say little. */
const LEAST_CHUNKS = 6;

const chunker = createChunker(createTokenizer(await loadTokenizerModel()), limits);
const edits = new Map<number, number>();
let read = 0;
/** Edits of Markdown, and those that changed no chunk but ones with something of their own section. */
let sectioned = 0;
let kept = 0;
for (const { text, format } of readCorpus(exampleCorpus)) {
  if (format === 'html') continue;
  const before = chunker.cut({ text, format }).chunks;
  if (before.length < LEAST_CHUNKS) continue;
  read++;
  const ends = paragraphEnds(text);
  const step = Math.max(1, Math.floor(ends.length / EDITS));
  for (let n = 0; n < ends.length; n += step) {
    const edited = text.slice(0, ends[n]) + SENTENCE + text.slice(ends[n]);
    const after = new Set(chunker.cut({ text: edited, format }).chunks.map(({ hash }) => hash));
    const changed = before.filter(({ hash }) => !after.has(hash));
    edits.set(changed.length, (edits.get(changed.length) ?? 0) + 1);
    if (format !== 'markdown') continue;
    const { from, to } = sectionAround(text, ends[n]!);
    sectioned++;
    if (changed.every(({ start, end }) => start < to && end > from)) kept++;
  }
}
console.log(
  `${read} documents of ${LEAST_CHUNKS} chunks or more; chunks changed by an edit, and how many edits did so:`,
);
console.log(Object.fromEntries([...edits].sort(([a], [b]) => a - b)));
console.log(`${kept} of ${sectioned} edits of Markdown left every chunk that holds other sections only as it was`);

/** From the heading before `at` to the next one behind it. */
function sectionAround(text: string, at: number): { from: number; to: number } {
  const headings = [...text.matchAll(/^#{1,6} /gm)].map(({ index }) => index);
  return {
    from: headings.findLast((heading) => heading <= at) ?? 0,
    to: headings.find((heading) => heading > at) ?? text.length,
  };
}

/** Ends of paragraphs; a heading, a fence's end or a table row would be another kind of edit. */
function paragraphEnds(text: string): number[] {
  return [...text.matchAll(/\n\n(?=[^\s#`|>-])/g)]
    .map(({ index }) => index)
    .filter((end) => !/^\s*(?:#|```|\|)/.test(text.slice(text.lastIndexOf('\n', end - 1) + 1, end)));
}
