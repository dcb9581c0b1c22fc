/** text-embeddings-inference: no registry has the program; infra/engines/tei/build-cpu.sh builds it. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EngineRow } from '../engine-row.ts';
import { engineHome, type MergeOptions, mergedByTool, mergedOnnx } from '../layouts.ts';
import { TORCH } from './python-servers.ts';

const program = join(engineHome, 'text-embeddings-router');
const MEAN = ['--pooling', 'mean'];
const STRICT = ['--auto-truncate', 'false'];
const PASSAGE = 'Represent the document for retrieval: ';

type LayOut = (folder: string, python: string) => Promise<unknown>;

const fixture: LayOut = (folder) => mergedOnnx(folder);

const tei = (
  name: string,
  profile: string,
  expect: EngineRow['expect'],
  flags: readonly string[],
  layOut = fixture,
): EngineRow => ({
  name,
  profile,
  expect,
  needs: { path: program, what: 'infra/engines/tei/build-cpu.sh builds it' },
  async start({ folder, python, port }) {
    await layOut(folder, python);
    return {
      command: program,
      args: ['--model-id', folder, '--hostname', '127.0.0.1', '--port', String(port), ...flags],
      // It was built to load ONNX Runtime when it starts; onnxruntime-node brings one.
      env: { ORT_DYLIB_PATH: onnxRuntime() },
    };
  },
  settings: {},
});

function onnxRuntime(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(main), `../bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`);
}

/** Over the folder that a reader of infra/engines/merge-adapter makes, and not the fixture's. */
const merged = (name: string, expect: EngineRow['expect'], task: MergeOptions['task']): EngineRow => ({
  ...tei(name, 'tei', expect, [...MEAN, ...STRICT], (folder, python) =>
    mergedByTool(folder, python, { layout: 'tei', task }),
  ),
  environment: TORCH,
});

export const teiRows: readonly EngineRow[] = [
  tei('TEI 1.9.3, merged', 'tei', 'right', [...MEAN, ...STRICT]),
  tei('TEI 1.9.3, merged, OpenAI route', 'tei-openai', 'right', [...MEAN, ...STRICT]),
  tei('TEI 1.9.3, default pooling', 'tei', 'wrong_pooling', STRICT),
  tei('TEI 1.9.3, --default-prompt and a client that adds it too', 'tei', 'prefix_doubled', [
    ...MEAN,
    ...STRICT,
    '--default-prompt',
    PASSAGE,
  ]),
  tei('TEI 1.9.3, --auto-truncate left on, OpenAI route', 'tei-openai', 'silent_truncation', MEAN),
  merged('TEI 1.9.3, merge-adapter --for tei', 'right', 'retrieval.passage'),
  {
    ...merged('TEI 1.9.3, merge-adapter --task retrieval.query, for queries', 'right', 'retrieval.query'),
    forQueries: true,
  },
  {
    ...merged('TEI 1.9.3, the passage adapter merged, for queries', 'wrong_adapter', 'retrieval.passage'),
    forQueries: true,
  },
];
