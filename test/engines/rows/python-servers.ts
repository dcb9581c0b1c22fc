/** Libraries without a server of their own: behind the programs of infra/engines, and behind the mistakes that their documentation invites. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '@sluice/core';
import { tinyFolder } from '../../support/jina-tiny-server.ts';
import type { EngineRow } from '../engine-row.ts';
import { here, mergedByTool, nativeByTool, recipe } from '../layouts.ts';

const WEB = ['fastapi==0.165.0', 'uvicorn==0.54.0'];
export const TORCH = {
  packages: [
    'sentence-transformers==6.2.0',
    'transformers==5.23.0',
    'peft==0.21.2',
    'torch==2.15.0',
    'onnx==1.23.2',
    'onnxscript==0.7.1',
    'brotli==1.2.0',
    'einops==0.8.2',
    'pillow==12.3.0',
    ...WEB,
  ],
};
const taskServer = (name: string, program: string, packages: readonly string[]): EngineRow => ({
  name,
  profile: 'jina',
  expect: 'right',
  environment: { packages },
  start: async ({ python, port }) => ({ command: python, args: [recipe(program), tinyFolder, '--port', String(port)] }),
  settings: {},
});

const OPENVINO = ['openvino==2026.4.1', 'tokenizers==0.23.2', ...WEB];
const ONNX_RUNTIME = ['onnxruntime==1.32.0', 'tokenizers==0.23.2', 'numpy==2.4.2', ...WEB];

/** Right in itself, and another model: the server does not mind under which name it is asked. */
const otherWeights: EngineRow = {
  ...taskServer('onnxruntime 1.32, Python, other weights', 'onnx-runtime', ONNX_RUNTIME),
  expect: 'wrong_model',
  async start({ python, folder, port }) {
    await rm(folder, { recursive: true, force: true });
    await cp(join(tinyFolder, 'other-seed'), folder, { recursive: true });
    await cp(join(tinyFolder, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    return { command: python, args: [recipe('onnx-runtime'), folder, '--port', String(port)] };
  },
};

const mistake = (model: string, words: string, expect: EngineRow['expect'], profile = 'jina'): EngineRow => ({
  name: words,
  profile,
  expect,
  environment: TORCH,
  start: async ({ python, port }) => ({
    command: python,
    args: [here('./mistakes_server.py'), tinyFolder, String(port)],
    env: { HF_HUB_OFFLINE: '1' },
  }),
  settings: { SLUICE_SERVED_MODEL: model },
});

const fastembed = (name: string, profile: string, expect: 'right' | ErrorCode): EngineRow => ({
  name,
  profile,
  expect,
  environment: { packages: ['fastembed==0.9.1', ...WEB] },
  start: async ({ python, port }) => ({ command: python, args: [recipe('fastembed'), tinyFolder, String(port)] }),
  settings: {},
});

export const pythonServers: readonly EngineRow[] = [
  taskServer('transformers 5.23, native class', 'transformers', TORCH.packages),
  {
    ...taskServer('transformers 5.23, made of the published checkpoint', 'transformers', TORCH.packages),
    start: async ({ python, folder, port }) => ({
      command: python,
      args: [recipe('transformers'), await nativeByTool(folder, python), '--port', String(port)],
    }),
  },
  mistake('last-loaded-adapter', 'transformers 5.23, set_adapter forgotten', 'wrong_adapter'),
  mistake('another-adapter', 'transformers 5.23, text-matching set', 'wrong_adapter'),
  mistake('two-adapters', 'transformers 5.23, two adapters set', 'wrong_space'),
  mistake('no-adapter', 'transformers 5.23, no adapter loaded', 'task_ignored'),
  mistake('first-token', 'transformers 5.23, first token', 'wrong_pooling'),
  taskServer('onnxruntime 1.32, Python', 'onnx-runtime', ONNX_RUNTIME),
  otherWeights,
  taskServer('openvino 2026.4.1, f32', 'openvino', OPENVINO),
  {
    ...taskServer('openvino 2026.4.1, precision of its own choice', 'openvino', OPENVINO),
    // bfloat16 where the processor has it, positions included: those above 256 are rounded, so only long texts show it.
    expect: 'imprecise',
    start: async ({ python, port }) => ({
      command: python,
      args: [recipe('openvino'), tinyFolder, '--port', String(port), '--precision', 'own'],
    }),
  },
  fastembed('fastembed 0.9.1', 'fastembed', 'right'),
  fastembed('fastembed 0.9.1, nobody adds the instruction', 'jina', 'prefix_missing'),
  {
    name: 'sentence-transformers 6.2, merged',
    profile: 'sentence-transformers',
    expect: 'right',
    environment: TORCH,
    start: async ({ python, folder, port }) => ({
      command: python,
      args: [recipe('sentence-transformers'), await mergedByTool(folder, python, { layout: 'native' }), String(port)],
      env: { HF_HUB_OFFLINE: '1' },
    }),
    settings: {},
  },
  mistake('bfloat16', 'sentence-transformers 6.2, merged, bfloat16', 'right', 'sentence-transformers'),
  mistake('encode-task', 'sentence-transformers 6.2, encode(task=…)', 'task_ignored'),
  mistake('encode-document', 'sentence-transformers 6.2, encode_document', 'prefix_missing'),
  mistake(
    'short-window',
    'sentence-transformers 6.2, max_seq_length 512',
    'silent_truncation',
    'sentence-transformers',
  ),
  mistake('no-normalize', 'sentence-transformers 6.2, no Normalize', 'not_normalised'),
  mistake('truncate-dim', 'sentence-transformers 6.2, truncate_dim', 'wrong_dimension'),
];
