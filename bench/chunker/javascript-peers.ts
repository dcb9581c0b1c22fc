/**
 * One exact splitter for JavaScript on the texts that peers.ts hands over on standard input; its pieces and CPU seconds come back as JSON.
 * `modules` is the folder that prepare.py filled; it is outside the repository, so what is loaded from it is described here.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { cpuSecondsAsync } from './measure.ts';
import type { PeerJob, PeerReply } from './peers.ts';

interface Modules {
  '@huggingface/tokenizers': {
    Tokenizer: new (
      json: object,
      config: object,
    ) => {
      encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
      decode(ids: number[]): string;
    };
  };
  '@langchain/textsplitters': {
    RecursiveCharacterTextSplitter: new (options: object) => { splitText(text: string): Promise<string[]> };
  };
  '@chonkiejs/core': {
    RecursiveChunker: { create(options: object): Promise<{ chunk(text: string): Promise<{ text: string }[]> }> };
  };
}

const job = JSON.parse(await text(process.stdin)) as PeerJob;
const { resolve } = createRequire(join(job.modules, 'package.json'));
/** Resolved as `require` does, so that of a package with both kinds it is the one whose exports are all in `default`. */
const load = async <Name extends keyof Modules>(name: Name): Promise<Modules[Name]> => {
  const module = (await import(pathToFileURL(resolve(name)).href)) as Modules[Name] & { default?: Modules[Name] };
  return module.default ?? module;
};

const { Tokenizer } = await load('@huggingface/tokenizers');
const tokenizer = new Tokenizer(JSON.parse(job.tokenizerJson) as object, {});
const encode = (part: string) => tokenizer.encode(part, { add_special_tokens: false }).ids;
const count = (part: string) => encode(part).length;

const splitters: Record<'langchain' | 'chonkie', () => Promise<(document: string) => Promise<string[]>>> = {
  async langchain() {
    const { RecursiveCharacterTextSplitter } = await load('@langchain/textsplitters');
    const splitter = new RecursiveCharacterTextSplitter({
      chunkSize: job.room,
      chunkOverlap: 0,
      lengthFunction: count,
    });
    return (document) => splitter.splitText(document);
  },
  async chonkie() {
    const { RecursiveChunker } = await load('@chonkiejs/core');
    const decode = (ids: number[]) => tokenizer.decode(ids);
    const counter = { encode, decode, countTokens: count, decodeBatch: (all: number[][]) => all.map(decode) };
    const chunker = await RecursiveChunker.create({ tokenizer: counter, chunkSize: job.room });
    return async (document) => (await chunker.chunk(document)).map((chunk) => chunk.text);
  },
};

const split = await splitters[job.peer as keyof typeof splitters]();
const pieces: string[][] = [];
const seconds = await cpuSecondsAsync(async () => {
  for (const document of job.texts) pieces.push(await split(document));
});
const reply: PeerReply = { seconds, pieces };
process.stdout.write(`${JSON.stringify(reply)}\n`);
