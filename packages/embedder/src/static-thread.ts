/** The worker thread of the static engine: tokenizer and table live here, texts come in, one buffer of vectors goes out. */
import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { createTokenizer, type TokenizerModel } from '@sluice/tokenizer';
import { readStaticTable } from './static-table.ts';
import { answerCalls } from './thread.ts';

/** Rows of the full dimension, one after another, and the pieces that were looked up. */
export interface StaticAnswer {
  vectors: Float32Array;
  usageTokens: number;
}

const { tokenizerModel, tableFile } = workerData as { tokenizerModel: TokenizerModel; tableFile: string };
const tokenizer = createTokenizer(tokenizerModel);
const table = readStaticTable(readFileSync(tableFile));

answerCalls<readonly string[], StaticAnswer>((texts) => {
  const vectors = new Float32Array(texts.length * table.dimension);
  let usageTokens = 0;
  texts.forEach((text, row) => {
    const ids = tokenizer.encode(text);
    usageTokens += ids.length;
    table.embed(ids, vectors.subarray(row * table.dimension, (row + 1) * table.dimension));
  });
  return { answer: { vectors, usageTokens }, transfer: [vectors.buffer] };
});
