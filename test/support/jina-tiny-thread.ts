/**
 * The worker thread of the toy server: tokenizer and ONNX session of test/fixtures/jina-v3-tiny. Texts come with their
 * instruction; mean over all tokens in fp32, or the first token where a mistake is asked for. One row a run: exact, and no
 * padding to think about.
 */
import { workerData } from 'node:worker_threads';
import { answerCalls } from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import * as ort from 'onnxruntime-node';

export interface TinyQuestion {
  texts: string[];
  /** 0–4 as in the fixture's README, 5: no task. */
  taskId: number;
  pooling: 'mean' | 'cls';
  /** Whose weights: those of the golden vectors, or those of another seed. */
  weights: 'first' | 'other-seed';
  /** Texts with more tokens, specials included, are not embedded. */
  maxTokens: number;
}

export interface TinyAnswer {
  /** One row a text, not normalised; null where the text has too many tokens. */
  vectors: (Float32Array | null)[];
  /** With instruction and specials. */
  tokens: number[];
}

const BOS = 0;
const EOS = 2;
const { folder } = workerData as { folder: string };
const tokenizer = createTokenizer(await loadTokenizerModel(`${folder}/tokenizer.json`));
const open = (path: string) => ort.InferenceSession.create(`${folder}/${path}/model.onnx`, { intraOpNumThreads: 2 });
const first = await open('onnx');
let otherSeed: Promise<ort.InferenceSession> | undefined;

answerCalls(async ({ texts, taskId, pooling, weights, maxTokens }: TinyQuestion) => {
  if (weights === 'other-seed') otherSeed ??= open('other-seed/onnx');
  const session = weights === 'other-seed' ? await otherSeed! : first;
  const answer: TinyAnswer = { vectors: [], tokens: [] };
  for (const text of texts) {
    const ids = [BOS, ...tokenizer.encode(text), EOS];
    answer.tokens.push(ids.length);
    answer.vectors.push(ids.length > maxTokens ? null : await embed(session, ids, taskId, pooling));
  }
  return { answer, transfer: [] };
});

async function embed(
  session: ort.InferenceSession,
  ids: number[],
  taskId: number,
  pooling: 'mean' | 'cls',
): Promise<Float32Array> {
  const feeds = {
    input_ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    attention_mask: new ort.Tensor('int64', new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
    task_id: new ort.Tensor('int64', BigInt64Array.of(BigInt(taskId)), []), // a scalar: dims []
  };
  const states = (await session.run(feeds))[session.outputNames[0]!]!;
  const values = states.data as Float32Array;
  const width = states.dims[2]!;
  const rows = pooling === 'cls' ? 1 : ids.length;
  const mean = new Float32Array(width);
  for (let row = 0; row < rows; row++) for (let d = 0; d < width; d++) mean[d]! += values[row * width + d]!;
  return mean.map((value) => value / rows);
}
