/** What Sluice brings itself: served by `sluice engine`, in the worker, and the table of word vectors. */
import { join } from 'node:path';
import { tinyFolder } from '../../support/jina-tiny-server.ts';
import type { EngineRow } from '../engine-row.ts';
import { root } from '../layouts.ts';

const inProcess = (name: string, settings: EngineRow['settings']): EngineRow => ({
  name,
  profile: 'onnx',
  expect: 'right',
  own: true,
  settings,
});

export const ownRows: readonly EngineRow[] = [
  {
    name: 'sluice engine',
    profile: 'jina',
    expect: 'right',
    own: true,
    start: async ({ port }) => ({
      command: process.execPath,
      args: [
        join(root, 'apps', 'cli', 'bin', 'sluice.mjs'),
        ...['engine', '--model-dir', tinyFolder, '--port', String(port)],
      ],
    }),
    settings: {},
  },
  inProcess('onnx, in-process', { SLUICE_MODEL_DIR: tinyFolder }),
  inProcess('onnx, in-process, merged', { SLUICE_MODEL_DIR: join(tinyFolder, 'merged-passage') }),
  inProcess('onnx, in-process, merged, fp16 output', {
    SLUICE_MODEL_DIR: join(tinyFolder, 'fp16-output'),
    SLUICE_TOKENIZER: join(tinyFolder, 'tokenizer.json'),
  }),
  { name: 'static, in-process', profile: 'static', expect: 'right', own: true, settings: {}, model: 'built-in' },
];
