/**
 * The worker thread of the ONNX engine. `session.run` computes on the thread that calls it, for seconds at a time, so it
 * lives here; one request after another.
 *
 * Texts of a request are grouped by length and run in small batches: on a CPU padding costs as much as text, and the
 * attention scores of a row grow with the square of the longest.
 */
import { workerData } from 'node:worker_threads';
import { createTokenizer, type TokenizerModel } from '@sluice/tokenizer';
import type * as Ort from 'onnxruntime-node';
import { answerCalls } from '../thread.ts';
import { float32Of, type HalfBits } from './float16.ts';
import { lengthGroups } from './length-groups.ts';
import { meanPool } from './mean-pool.ts';
import { openSession } from './open-session.ts';
import { isOutOfMemory } from './out-of-memory.ts';

export interface OnnxThreadData {
  modelFile: string;
  tokenizerModel: TokenizerModel;
  device: 'cpu' | 'cuda';
  /** Threads of one operation; 0: one a core. */
  threads: number;
  /** Longest × rows of one run at most; a longer text runs alone. */
  maxPaddedTokens: number;
  padId: number;
}

export interface OnnxQuestion {
  texts: readonly string[];
  /** Index of the adapter; ignored by exports without that input. */
  taskId: number;
  /** Texts with more tokens are not run. */
  windowTokens: number;
}

export type OnnxAnswer =
  /** To an empty question: what was loaded. */
  | { takesTask: boolean }
  /** Rows of the full dimension, one after another, unit length. */
  | { vectors: Float32Array; dimension: number; usageTokens: number }
  | { overLong: { tokens: number } }
  /** The device had not the memory for a group of these texts. */
  | { outOfMemory: true }
  /** Nobody waits for it any more. */
  | { abandoned: true };

const { modelFile, tokenizerModel, device, threads, maxPaddedTokens, padId } = workerData as OnnxThreadData;
const ort = (await import('onnxruntime-node')) as typeof Ort;
// Its own log goes to stderr past ours; what matters is thrown as well.
ort.env.logLevel = 'fatal';
const tokenizer = createTokenizer(tokenizerModel);
const session = await openSession(
  (model, executionProviders) => {
    const options = { executionProviders, intraOpNumThreads: threads };
    return typeof model === 'string'
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options);
  },
  { modelFile, device },
);
const inputs = new Set(session.inputNames);
/** Output 0 by position: the hub export calls it `text_embeds`, most others `last_hidden_state`. */
const outputName = session.outputNames[0]!;

answerCalls<OnnxQuestion, OnnxAnswer>(async ({ texts, taskId, windowTokens }, goOn) => {
  if (texts.length === 0) return { answer: { takesTask: inputs.has('task_id') }, transfer: [] };
  const ids = texts.map((text) => tokenizer.encodeWithSpecials(text));
  const longest = Math.max(...ids.map(({ length }) => length));
  if (longest > windowTokens) return { answer: { overLong: { tokens: longest } }, transfer: [] };
  let vectors: Float32Array | undefined;
  let dimension = 0;
  for (const group of lengthGroups(ids, maxPaddedTokens)) {
    if (!(await goOn())) return { answer: { abandoned: true }, transfer: [] };
    const rows = group.map((row) => ids[row]!);
    const states = await run(rows, taskId).catch((error: unknown) => {
      if (isOutOfMemory(error)) return undefined;
      throw error;
    });
    if (states === undefined) return { answer: { outOfMemory: true }, transfer: [] };
    dimension = states.dims[2]!;
    vectors ??= new Float32Array(texts.length * dimension);
    meanPool({
      states: states.type === 'float16' ? float32Of(states.data as HalfBits) : (states.data as Float32Array),
      lengths: rows.map(({ length }) => length),
      dimension,
      rowOf: group,
      out: vectors,
    });
  }
  const out = vectors!;
  const usageTokens = ids.reduce((sum, { length }) => sum + length, 0);
  return { answer: { vectors: out, dimension, usageTokens }, transfer: [out.buffer as ArrayBuffer] };
});

async function run(rows: readonly (readonly number[])[], taskId: number): Promise<Ort.Tensor> {
  const longest = rows.reduce((most, { length }) => Math.max(most, length), 0);
  const dims = [rows.length, longest];
  const ids = new BigInt64Array(rows.length * longest).fill(BigInt(padId));
  const mask = new BigInt64Array(rows.length * longest);
  rows.forEach((row, r) => {
    for (let i = 0; i < row.length; i++) {
      ids[r * longest + i] = BigInt(row[i]!);
      mask[r * longest + i] = 1n;
    }
  });
  const feeds: Record<string, Ort.Tensor> = {
    input_ids: new ort.Tensor('int64', ids, dims),
    attention_mask: new ort.Tensor('int64', mask, dims),
  };
  // A scalar: shape [1] fails inside the graph with a confusing message.
  if (inputs.has('task_id')) feeds.task_id = new ort.Tensor('int64', BigInt64Array.of(BigInt(taskId)), []);
  if (inputs.has('token_type_ids')) feeds.token_type_ids = new ort.Tensor('int64', new BigInt64Array(ids.length), dims);
  const states = (await session.run(feeds))[outputName]!;
  if (states.dims.length !== 3 || !['float32', 'float16'].includes(states.type)) throw new UnfitModelError();
  return states;
}

/** Output 0 is not float32 or float16 of batch × length × width. */
class UnfitModelError extends Error {
  override readonly name = 'UnfitModelError';
}
