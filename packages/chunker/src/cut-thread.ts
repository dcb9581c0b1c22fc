/** A thread that cuts: documents in, chunks out, one at a time. Started by pool.ts, which shares the tokenizer's model with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { isSluiceError } from '@sluice/core/errors';
import { createTokenizer, type TokenizerModel } from '@sluice/tokenizer';
import { type CutChunk, type CutDocument, createChunker } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';
import type { DocumentToCut } from './pool.ts';

export interface CutThreadData {
  model: TokenizerModel;
  limits: ChunkLimits;
}

/** A cut document without what the asker has: a chunk's text is a slice of the source, and the source is mostly the document's text. */
export interface SentCut extends Omit<CutDocument, 'source' | 'chunks'> {
  source?: string;
  chunks: Omit<CutChunk, 'text'>[];
}

/** Either the chunks, or the error: a SluiceError as its code and parts, anything else as it is. */
export type CutReply = { cut: SentCut } | { refused: Record<string, unknown> } | { failed: unknown };

const { model, limits } = workerData as CutThreadData;
const chunker = createChunker(createTokenizer(model), limits);

parentPort!.on('message', (document: DocumentToCut) => {
  let reply: CutReply;
  try {
    reply = { cut: withoutTexts(chunker.cut(document), document.text) };
  } catch (error) {
    reply = isSluiceError(error) ? { refused: error.toJSON() } : { failed: error };
  }
  parentPort!.postMessage(reply);
});

function withoutTexts({ source, chunks, ...about }: CutDocument, text: string): SentCut {
  return { ...about, ...(source !== text && { source }), chunks: chunks.map(({ text: _, ...chunk }) => chunk) };
}
