/**
 * Engines without a task field that serve a checkpoint into which the passage adapter was merged beforehand, with mean
 * pooling: the client puts the instruction before the text. Run with the toy model, TEI, Infinity and vLLM then give the golden
 * vectors to cosine 1.000000; without the merge, or with the pooling left to their defaults, each is wrong with 200.
 */
import type { Profile } from '../profile.ts';
import { jinaEmbeddingsV3 } from './jina-embeddings-v3.ts';

const merged = {
  ...jinaEmbeddingsV3,
  servedModel: jinaEmbeddingsV3.model,
  instruction: 'client',
  task: 'merged',
  roles: ['passage'],
  usageCounts: 'with-instruction',
  pads: true,
  windowTokens: 8192,
  deadline: { baseMs: 30_000, perTokenMs: 10 },
} as const;

const why = {
  instruction: 'run: none of them knows the instruction; with it in front the vectors are the golden ones',
  task: 'run: `task` is accepted and ignored with 200, so the adapter must be in the weights',
  roles: 'one adapter is merged, so queries need an engine of their own (SLUICE_QUERY_ENGINE_URL)',
  windowTokens: "the model's 8,192",
  usageCounts: 'run: counts the tokens of what it was sent, and the instruction is part of it',
} as const;

export const openai: Profile = {
  name: 'openai',
  protocol: 'openai',
  summary: 'Anything with the OpenAI embeddings route over a merged checkpoint, where no other profile fits better.',
  ...merged,
  path: '/v1/embeddings',
  overLong: 'refused',
  base64: true,
  maxRows: 32,
  maxBytes: 2_000_000,
  renormalises: false,
  unitNorm: false,
  why: {
    ...why,
    overLong: 'hoped; preflight asks, and refuses an engine that cuts',
    base64: 'part of the OpenAI route; an engine that answers with numbers all the same is read too',
    maxRows: 'the smallest default met: TEI takes 32',
    maxBytes: "the smallest default met: TEI's 2,000,000",
    renormalises: 'unknown, and never relied on',
    unitNorm: 'unknown: sentence-transformers without a Normalize module gives length 8',
    pads: 'unknown, so assumed',
  },
};

export const vllm: Profile = {
  ...openai,
  name: 'vllm',
  summary: 'vLLM (--runner pooling) over a merged checkpoint in the original weight names, with a 1_Pooling folder.',
  maxRows: 512,
  maxBytes: 16 * 1024 * 1024,
  unitNorm: true,
  pads: false,
  why: {
    ...openai.why,
    overLong: 'run 0.32.0: 400, parameter input_tokens; the whole request',
    base64: 'run: little-endian float32',
    maxRows: 'run: 2,049 accepted; 512 keep a reply small',
    maxBytes: 'run: no limit met; a bound for our own memory',
    renormalises: 'run: dimensions is 400 unless the config lists matryoshka_dimensions, so it is not asked for',
    unitNorm: 'run: normalised',
    pads: 'read: runs unpadded',
  },
};

export const infinity: Profile = {
  ...openai,
  name: 'infinity',
  summary: 'Infinity (--engine optimum --pooling-method mean) over a merged checkpoint.',
  path: '/embeddings',
  overLong: 'silently-cut',
  maxRows: 512,
  maxBytes: 16 * 1024 * 1024,
  unitNorm: true,
  usageCounts: 'characters',
  why: {
    ...openai.why,
    overLong:
      'run 0.0.78: 200 and cut; harmless only because Sluice counts exactly and never sends more than the window',
    base64: 'run: little-endian float32',
    maxRows: 'run: 2,048 at most, then 422',
    maxBytes: 'run: 122,880 characters a text, then 422 that echoes it; no limit on the body met',
    renormalises: 'run: cuts without it (length 0.72)',
    unitNorm: 'run: normalised at full width',
    usageCounts: 'run: 62,999 for 9,000 words',
    pads: 'read: sorts within 8 batches, then pads',
  },
};

export const teiNative: Profile = {
  ...openai,
  name: 'tei',
  protocol: 'tei',
  summary: 'text-embeddings-inference (--pooling mean --auto-truncate false) over a merged ONNX checkpoint.',
  path: '/embed',
  base64: false,
  renormalises: true,
  unitNorm: true,
  usageCounts: 'nothing',
  why: {
    ...openai.why,
    overLong:
      'run 1.9.3: 422 with truncate false on this route, whatever the server flag; the default elsewhere is to cut',
    base64: 'run: this route knows none',
    maxRows: 'run: 33 inputs get 422, "maximum allowed batch size 32" (--max-client-batch-size)',
    maxBytes: 'run: 413 as plain text above 2,000,000 (--payload-limit)',
    renormalises: 'run: cut, then normalised',
    unitNorm: 'run: normalize true',
    usageCounts: 'run: an array of vectors and nothing else',
    pads: 'run: the ONNX backend of the CPU build pads; the GPU build does not, and cannot serve this model',
  },
};

export const teiOpenai: Profile = {
  ...teiNative,
  name: 'tei-openai',
  protocol: 'openai',
  summary:
    'text-embeddings-inference through its OpenAI route: base64, but over-long texts are cut unless the server refuses.',
  path: '/v1/embeddings',
  base64: true,
  usageCounts: 'with-instruction',
  why: {
    ...teiNative.why,
    overLong: 'run: 422 with --auto-truncate false; the request field is ignored here, so preflight asks',
    base64: 'run: little-endian float32',
    usageCounts: 'run: tokens of what it was sent',
  },
};

export const fastembed: Profile = {
  ...openai,
  name: 'fastembed',
  summary:
    'FastEmbed behind an OpenAI-shaped route: it chooses the passage adapter by itself, the client adds the instruction.',
  task: 'fixed',
  overLong: 'silently-cut',
  unitNorm: true,
  usageCounts: 'nothing',
  why: {
    ...openai.why,
    instruction: 'run 0.9.1: missing (cosine 0.72); with it in front 1.000000',
    task: 'run: task id 1, passage, unless told otherwise in the process',
    overLong: 'run: cut at model_max_length; harmless only because Sluice never sends more than the window',
    maxRows: 'its default of 256 rows of 4,000 tokens tried to allocate 192 GB; the wrapper batches by 4',
    unitNorm: 'run: normalised',
    usageCounts: 'it counts nothing; what a wrapper says is its own',
    pads: 'read: pads to the longest',
  },
};

export const sentenceTransformers: Profile = {
  ...openai,
  name: 'sentence-transformers',
  summary:
    'sentence-transformers behind an OpenAI-shaped route, over a merged checkpoint with mean pooling and Normalize.',
  overLong: 'silently-cut',
  unitNorm: true,
  usageCounts: 'nothing',
  why: {
    ...openai.why,
    task: 'run 6.2: `encode(task=…)` is accepted and ignored on the native checkpoint (cosine 0.19 to 0.52), so the adapter is merged',
    overLong: 'run: cut at max_seq_length; harmless only because Sluice never sends more than the window',
    maxRows: 'its own default of 32 rows; 32 of 4,000 tokens may need more memory than a GPU has',
    unitNorm: 'run: with a Normalize module; without one vectors have length 8 and every reply is refused',
    usageCounts: 'it counts nothing; what a wrapper says is its own',
    pads: 'read: sorts by length, then pads',
  },
};

export const llamaCpp: Profile = {
  ...openai,
  name: 'llama.cpp',
  summary:
    'llama-server --embedding with the passage LoRA at scale 1 (its scale holds for the whole server) and -ub ≥ 8192.',
  unitNorm: true,
  why: {
    ...openai.why,
    task: 'read: --lora and POST /lora-adapters are global to the server',
    overLong: 'read: 500 when a text is longer than the physical batch -ub (default 512)',
    unitNorm: 'read: its OpenAI route normalises',
    pads: 'read: runs a text in its own slot; assumed all the same',
  },
};
