/**
 * Does the cut serve retrieval? Queries are the headings of the example corpus's own sections; right is a chunk that holds a paragraph of
 * that section. Compared: these chunks and LangChain's Markdown splitter at the limit that gives it the same mean size, found by BM25 (words;
 * pairs of characters for Chinese) and by the static embedding that ships with Sluice. Twice:
 *
 * - documents as they are, the paragraph being the section's last: a reader who asks for the heading wants all of the section;
 * - the headings asked for without their names, the paragraph being the section's first: what the body alone can tell.
 *
 *     node bench/chunker/recall.ts [--json] [--corpus FOLDER]
 */
import { parseArgs } from 'node:util';
import { MarkdownTextSplitter } from '@langchain/textsplitters';
import { type ChunkLimits, createChunker } from '@sluice/chunker';
import { embeddedText, loadConfig, silentLogger } from '@sluice/core';
import { createEngine } from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { Bm25 } from './bm25.ts';
import { exampleCorpus, readCorpus } from './corpus.ts';

const limits: ChunkLimits = {
  targetTokens: 2_048,
  maxTokens: 4_096,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 0,
};
const RANK = 10;
/** Stands for a heading that is asked for: the section stays a section without saying its name. */
const NAMELESS = '·';
/** A section's body is told by so many of its first characters. */
const PROBE = 60;

interface Question {
  query: string;
  /** A passage that only a right chunk holds. */
  probe: string;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, corpus: { type: 'string', default: exampleCorpus } },
});
const tokenizer = createTokenizer(await loadTokenizerModel());
const engine = await createEngine(loadConfig([{ name: 'bench', values: { SLUICE_ENGINE: 'static' } }]).config, {
  logger: silentLogger,
});
const documents = readCorpus(values.corpus).filter(({ format }) => format === 'markdown');
const sources = documents.map(({ text }) => text);
const tasks = [
  { task: 'documents as they are, last paragraph of the section', ...ask(sources, false) },
  { task: 'headings without names, first paragraph of the section', ...ask(sources, true) },
];
const chunker = createChunker(tokenizer, limits);
const tables = [];
for (const { task, questions, texts } of tasks) {
  const ours = texts.flatMap((text) => chunker.cut({ text, format: 'markdown' }).chunks);
  const bare = ours.map(({ text }) => text);
  const theirs = await sameSize(texts, bare.reduce((sum, text) => sum + tokenizer.count(text), 0) / bare.length);
  const rows = [
    await row('Sluice', questions, bare, ours.map(embeddedText)),
    await row('Sluice, heading context off', questions, bare, bare),
    await row(`LangChain MarkdownTextSplitter, ${theirs.size} tokens at most`, questions, theirs.chunks, theirs.chunks),
  ];
  tables.push({ task, questions: questions.length, documents: texts.length, rows });
}
if (values.json) console.log(JSON.stringify(tables));
else {
  for (const { task, questions, documents: read, rows } of tables) {
    console.log(`${task}: ${questions} headings, ${read} Markdown documents; recall@1 and @${RANK} in percent`);
    console.table(rows);
  }
}
await engine.close();

/** Headings of sections with a paragraph found nowhere else; `nameless` also takes those headings' names out of the documents. */
function ask(all: readonly string[], nameless: boolean): { questions: Question[]; texts: string[] } {
  const questions: Question[] = [];
  const everything = all.join('\n');
  const once = (probe: string) => everything.indexOf(probe, everything.indexOf(probe) + 1) < 0;
  const texts = all.map((source) => {
    const lines = source.split('\n');
    const kept = lines.map((line, at) => {
      const heading = /^#{2,4} +(.{8,80})$/.exec(line)?.[1];
      if (heading === undefined) return line;
      const end = lines.findIndex((other, n) => n > at && /^#{1,6} /.test(other));
      const section = lines.slice(at + 1, end < 0 ? undefined : end);
      const paragraphs = section.filter((text) => text.trim().length >= PROBE && !/^[#|`>\s-]/.test(text));
      const probe = paragraphs
        .at(nameless ? 0 : -1)
        ?.trim()
        .slice(0, PROBE);
      if (probe === undefined || !once(probe)) return line;
      questions.push({ query: heading.replace(/[*_`#[\]]/g, ''), probe });
      return nameless ? line.replace(heading, NAMELESS) : line;
    });
    return kept.join('\n');
  });
  return { questions, texts };
}

/** LangChain's limit at which its mean is nearest to ours. */
async function sameSize(texts: readonly string[], mean: number): Promise<{ size: number; chunks: string[] }> {
  let best: { size: number; chunks: string[]; distance: number } | undefined;
  for (let size = Math.round(mean); size <= 4_096; size += 128) {
    const splitter = new MarkdownTextSplitter({
      chunkSize: size,
      chunkOverlap: 0,
      lengthFunction: (text) => tokenizer.count(text),
    });
    const chunks = (await Promise.all(texts.map((text) => splitter.splitText(text)))).flat();
    const own = chunks.reduce((sum, text) => sum + tokenizer.count(text), 0) / chunks.length;
    const distance = Math.abs(own - mean);
    if (best === undefined || distance < best.distance) best = { size, chunks, distance };
  }
  return best!;
}

/** `chunks` hold the paragraphs asked for; `searched` is what is indexed of each. */
async function row(
  name: string,
  questions: readonly Question[],
  chunks: readonly string[],
  searched: readonly string[],
) {
  const tokens = searched.map((text) => tokenizer.count(text));
  const bm25 = new Bm25(searched);
  const vectors = await embed(searched, 'passage');
  const asked = new Map(
    (
      await embed(
        questions.map(({ query }) => query),
        'query',
      )
    ).map((vector, at) => [questions[at]!.query, vector]),
  );
  const lexical = recall(questions, chunks, (query) => bm25.rank(query));
  const dense = recall(questions, chunks, (query) => byCosine(asked.get(query)!, vectors));
  return {
    '': name,
    chunks: chunks.length,
    mean: Math.round(tokens.reduce((sum, n) => sum + n, 0) / tokens.length),
    'BM25 @1': lexical.first,
    [`BM25 @${RANK}`]: lexical.within,
    'static @1': dense.first,
    [`static @${RANK}`]: dense.within,
  };
}

function recall(questions: readonly Question[], chunks: readonly string[], rank: (query: string) => number[]) {
  let first = 0;
  let within = 0;
  for (const { query, probe } of questions) {
    const place = rank(query)
      .slice(0, RANK)
      .findIndex((at) => chunks[at]!.includes(probe));
    if (place === 0) first++;
    if (place >= 0) within++;
  }
  const percent = (n: number) => Number(((100 * n) / questions.length).toFixed(1));
  return { first: percent(first), within: percent(within) };
}

async function embed(texts: readonly string[], role: 'passage' | 'query'): Promise<Float32Array[]> {
  const { vectors } = await engine.embed({
    texts: texts.map((text) => text.normalize('NFC')),
    tokens: texts.map(() => 1),
    role,
  });
  return vectors.map((vector) => vector!);
}

function byCosine(query: Float32Array, vectors: readonly Float32Array[]): number[] {
  const scores = vectors.map((vector) => {
    let sum = 0;
    for (let at = 0; at < query.length; at++) sum += query[at]! * vector[at]!;
    return sum;
  });
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
}
