import type { EngineRow, StartContext } from '../engine-row.ts';
import { environmentPython } from '../environment.ts';
import { mergedByTool } from '../layouts.ts';
import { TORCH } from './python-servers.ts';

/** Its transformers is too old for the tool, so another environment merges. */
const merged = async (folder: string) => mergedByTool(folder, await environmentPython(TORCH), { layout: 'infinity' });

const infinity = (name: string, expect: EngineRow['expect'], pooling: readonly string[]): EngineRow => ({
  name,
  profile: 'infinity',
  expect,
  environment: { packages: ['infinity-emb[optimum,server]==0.0.78', 'torch==2.15.0'] },
  start: async ({ python, folder, port }: StartContext) => ({
    command: python.replace(/python$/, 'infinity_emb'),
    args: [
      ...['v2', '--model-id', '.', '--served-model-name', 'toy', '--engine', 'optimum', '--device', 'cpu'],
      ...['--host', '127.0.0.1', '--port', String(port), ...pooling],
    ],
    cwd: await merged(folder),
    env: { INFINITY_ANONYMOUS_USAGE_STATS: '0', HF_HUB_OFFLINE: '1' },
  }),
  settings: { SLUICE_SERVED_MODEL: 'toy' },
});

export const infinityRows: readonly EngineRow[] = [
  infinity('infinity 0.0.78, merged', 'right', ['--pooling-method', 'mean']),
  infinity('infinity 0.0.78, default pooling', 'wrong_pooling', []),
];
