/** Every engine that can run without a GPU, as it should be started and as it is started by mistake. */
import { join } from 'node:path';
import { tinyFolder } from '../support/jina-tiny-server.ts';
import type { EngineRow } from './engine-row.ts';
import { infinityRows } from './rows/infinity.ts';
import { jinaOnPremRows } from './rows/jina-on-prem.ts';
import { pythonServers } from './rows/python-servers.ts';
import { teiRows } from './rows/tei.ts';
import { vllmRows } from './rows/vllm.ts';

export const engineTable: readonly EngineRow[] = [
  { name: 'onnx, in-process', profile: 'onnx', expect: 'right', settings: { SLUICE_MODEL_DIR: tinyFolder } },
  {
    name: 'onnx, in-process, merged',
    profile: 'onnx',
    expect: 'right',
    settings: { SLUICE_MODEL_DIR: join(tinyFolder, 'merged-passage') },
  },
  {
    name: 'onnx, in-process, merged, fp16 output',
    profile: 'onnx',
    expect: 'right',
    settings: {
      SLUICE_MODEL_DIR: join(tinyFolder, 'fp16-output'),
      SLUICE_TOKENIZER: join(tinyFolder, 'tokenizer.json'),
    },
  },
  ...jinaOnPremRows,
  ...teiRows,
  ...infinityRows,
  ...vllmRows,
  ...pythonServers,
];
