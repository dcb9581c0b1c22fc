/** A thread that cuts: documents in, chunks out, one at a time. Started by pool.ts, which shares the tokenizer's model with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { isSluiceError } from '@sluice/core';
import { createTokenizer, type TokenizerModel } from '@sluice/tokenizer';
import { type CutDocument, createChunker } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';
import type { DocumentToCut } from './pool.ts';

export interface CutThreadData {
  model: TokenizerModel;
  limits: ChunkLimits;
}

/** Either the chunks, or the error: a SluiceError as its code and parts, anything else as it is. */
export type CutReply = { cut: CutDocument } | { refused: Record<string, unknown> } | { failed: unknown };

const { model, limits } = workerData as CutThreadData;
const chunker = createChunker(createTokenizer(model), limits);

parentPort!.on('message', (document: DocumentToCut) => {
  let reply: CutReply;
  try {
    reply = { cut: chunker.cut(document) };
  } catch (error) {
    reply = isSluiceError(error) ? { refused: error.toJSON() } : { failed: error };
  }
  parentPort!.postMessage(reply);
});
