/**
 * The splitters that are no part of this repository, each in a process of its own: prepare.py puts them into a folder. Slow ones cut a
 * slice of the texts, every n-th document of all, so that each language has its share; a row says how much.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TokenizerModel } from '@sluice/tokenizer';
import { limits, resultOfPieces } from './contenders.ts';
import type { BenchDocument } from './corpus.ts';
import type { Result } from './measure.ts';

export interface PeerJob {
  peer: string;
  /** Folder of the JavaScript packages. */
  modules: string;
  tokenizerJson: string;
  /** Tokens of text in a chunk: at most, and those that a splitter with a range should reach. */
  room: number;
  target: number;
  texts: string[];
}

export interface PeerReply {
  seconds: number;
  /** Chunk texts of each document. */
  pieces: string[][];
}

interface Peer {
  name: string;
  peer: string;
  language: 'python' | 'javascript';
  /** Bytes of text it is given in a full run, at some ten seconds a round. */
  bytes: number;
}

export const peers = {
  chonkie: { name: 'chonkie 1.7.0 recursive (Python)', peer: 'chonkie', language: 'python', bytes: 12_000_000 },
  semchunk: { name: 'semchunk 4.1.1 (Python)', peer: 'semchunk', language: 'python', bytes: 3_000_000 },
  semantic: {
    name: 'semantic-text-splitter 0.33.1 Markdown (Rust)',
    peer: 'semantic-text-splitter',
    language: 'python',
    bytes: 2_000_000,
  },
  chonkiejs: { name: '@chonkiejs/core 0.0.11 recursive', peer: 'chonkie', language: 'javascript', bytes: 3_000_000 },
  langchain: {
    name: '@langchain/textsplitters 1.0.2 recursive, @huggingface/tokenizers 0.2.0',
    peer: 'langchain',
    language: 'javascript',
    bytes: 1_500_000,
  },
} satisfies Record<string, Peer>;

/** Every n-th document, so that some `bytes` come together. */
export function sliceOf(documents: readonly BenchDocument[], bytes: number): BenchDocument[] {
  const step = Math.max(1, Math.round(megabytesOf(documents) / (bytes / 1e6)));
  return documents.filter((_, at) => at % step === 0);
}

export function megabytesOf(documents: readonly BenchDocument[]): number {
  return documents.reduce((sum, document) => sum + document.bytes, 0) / 1e6;
}

/** `folder`: what prepare.py filled. `share` of the usual slice, for a short run. */
export function runPeer(
  { name, peer, language, bytes }: Peer,
  folder: string,
  documents: readonly BenchDocument[],
  model: TokenizerModel,
  tokenizerJson: string,
  share: number,
): Result {
  const some = sliceOf(documents, bytes * share);
  const around = limits.instructionTokens + 2;
  const job: PeerJob = {
    peer,
    modules: join(folder, 'node'),
    tokenizerJson,
    room: limits.maxTokens - around,
    target: limits.targetTokens - around,
    texts: some.map(({ text }) => text),
  };
  const script = fileURLToPath(new URL(language === 'python' ? 'peers.py' : 'javascript-peers.ts', import.meta.url));
  const program = language === 'python' ? join(folder, 'venv', 'bin', 'python') : process.execPath;
  const output = execFileSync(program, [script], {
    input: JSON.stringify(job),
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { seconds, pieces } = JSON.parse(output.toString('utf8')) as PeerReply;
  return resultOfPieces(`${name}, ${megabytesOf(some).toFixed(1)} MB`, some, seconds, pieces, model);
}
