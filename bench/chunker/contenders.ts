/** What is compared: the same text, the same limit, counted by the same exact tokenizer. */
import { Tokenizer as Reference } from '@anush008/tokenizers';
import { MarkdownTextSplitter, RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { type ChunkLimits, createChunker } from '@sluice/chunker';
import { totalTokens } from '@sluice/core';
import { createTokenizer, type TokenizerModel } from '@sluice/tokenizer';
import type { BenchDocument } from './corpus.ts';
import { cpuSeconds, cpuSecondsAsync, type Result, shape } from './measure.ts';

export const limits: ChunkLimits = {
  targetTokens: 2_048,
  maxTokens: 4_096,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 9,
};

/** One pass with a tokenizer that has seen nothing; `model` is shared, as between threads. */
export function sluice(documents: readonly BenchDocument[], model: TokenizerModel, name: string): Result {
  const chunker = createChunker(createTokenizer(model), limits);
  let whole = 0;
  const totals: number[][] = [];
  const cuts: ReturnType<typeof chunker.cut>[] = [];
  const seconds = cpuSeconds(() => {
    for (const document of documents) cuts.push(chunker.cut(document));
  });
  for (const { source, chunks } of cuts) {
    totals.push(chunks.map(({ tokens }) => totalTokens(tokens)));
    let covered = 0;
    const sound = chunks.every(({ start, end, text }) => {
      const between = source.slice(covered, start);
      covered = end;
      return text === source.slice(start, end) && !/\S/.test(between);
    });
    if (sound && !/\S/.test(source.slice(covered))) whole++;
  }
  return result(name, documents, seconds, totals, `${whole}/${documents.length}`);
}

/** LangChain.js counting exactly, given our own counter: the fastest there is for it. */
export async function langchain(
  documents: readonly BenchDocument[],
  model: TokenizerModel,
  kind: 'recursive' | 'markdown',
): Promise<Result> {
  const tokenizer = createTokenizer(model);
  const options = {
    chunkSize: limits.maxTokens - tokenizer.specialTokens - limits.instructionTokens,
    chunkOverlap: 0,
    lengthFunction: (text: string) => tokenizer.count(text),
  };
  const splitter =
    kind === 'markdown' ? new MarkdownTextSplitter(options) : new RecursiveCharacterTextSplitter(options);
  const pieces: string[][] = [];
  const seconds = await cpuSecondsAsync(async () => {
    for (const { text } of documents) pieces.push(await splitter.splitText(text));
  });
  return resultOfPieces(`@langchain/textsplitters 1.0.2 ${kind}, our counter`, documents, seconds, pieces, model);
}

/** LangChain.js counting exactly with the reference library, as far as a program has one that answers in Node. */
export async function langchainReference(
  documents: readonly BenchDocument[],
  model: TokenizerModel,
  tokenizerJson: string,
  size: string,
): Promise<Result> {
  const reference = Reference.fromString(tokenizerJson);
  const splitter = new RecursiveCharacterTextSplitter({
    chunkSize: limits.maxTokens - limits.instructionTokens,
    chunkOverlap: 0,
    lengthFunction: async (text) => (await reference.encode(text)).getLength(),
  });
  const pieces: string[][] = [];
  const seconds = await cpuSecondsAsync(async () => {
    for (const { text } of documents) pieces.push(await splitter.splitText(text));
  });
  const name = `@langchain/textsplitters 1.0.2 recursive, tokenizers 0.22 (Rust), ${size}`;
  return resultOfPieces(name, documents, seconds, pieces, model);
}

/** LangChain.js by characters, as it comes: fast, and of any number of tokens. */
export async function langchainCharacters(documents: readonly BenchDocument[], model: TokenizerModel): Promise<Result> {
  const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 8_000, chunkOverlap: 0 });
  const pieces: string[][] = [];
  const seconds = await cpuSecondsAsync(async () => {
    for (const { text } of documents) pieces.push(await splitter.splitText(text));
  });
  const name = '@langchain/textsplitters 1.0.2 recursive, 8,000 characters';
  return resultOfPieces(name, documents, seconds, pieces, model);
}

/** Of a splitter that gives texts without places. */
export function resultOfPieces(
  name: string,
  documents: readonly BenchDocument[],
  seconds: number,
  pieces: readonly string[][],
  model: TokenizerModel,
): Result {
  return result(name, documents, seconds, counted(pieces, model), wholeJoins(documents, pieces));
}

/** Token totals as an engine would see them, specials and instruction included. */
function counted(pieces: readonly string[][], model: TokenizerModel): number[][] {
  const tokenizer = createTokenizer(model);
  const around = tokenizer.specialTokens + limits.instructionTokens;
  return pieces.map((texts) => texts.map((text) => tokenizer.count(text.normalize('NFC').trimEnd()) + around));
}

/** Documents of which each non-blank character comes back once, in order. */
function wholeJoins(documents: readonly BenchDocument[], pieces: readonly string[][]): string {
  const bare = (text: string) => text.replace(/\s+/g, '');
  const whole = documents.filter(({ text }, at) => bare(pieces[at]!.join('')) === bare(text)).length;
  return `${whole}/${documents.length}, no places`;
}

function result(
  name: string,
  documents: readonly BenchDocument[],
  seconds: number,
  totals: readonly number[][],
  whole: string,
): Result {
  const bytes = documents.reduce((sum, document) => sum + document.bytes, 0);
  return {
    name,
    megabytesPerCpuSecond: bytes / 1e6 / seconds,
    ...shape(totals, limits.targetTokens, limits.maxTokens),
    whole,
  };
}
