/** The engines that can run here: how each is installed, what it is given to serve, and how it is started. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyFolder } from '../support/jina-tiny-server.ts';

export interface StartContext {
  /** The environment's own Python. */
  python: string;
  /** An empty folder for what it serves. */
  folder: string;
  port: number;
}

export interface EngineRow {
  name: string;
  /** Name of the profile that speaks to it. */
  profile: string;
  /** Packages for an environment of its own; none: it runs in this process or needs nothing. */
  packages: readonly string[];
  /** Lays out what it serves and says how it is started; undefined: `settings` are all that is needed. */
  start?(
    context: StartContext,
  ): Promise<{ command: string; args: string[]; cwd?: string; env?: Record<string, string> }>;
  /** Path that answers 200 when it is ready. */
  health?: string;
  settings: Readonly<Record<string, string>>;
}

const SENTENCE_TRANSFORMERS = [
  'sentence-transformers==6.2.0',
  'transformers==5.23.0',
  'torch==2.15.0',
  'fastapi',
  'uvicorn',
] as const;

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export const engineTable: readonly EngineRow[] = [
  {
    name: 'onnx, in-process',
    profile: 'onnx',
    packages: [],
    settings: { SLUICE_MODEL_DIR: tinyFolder },
  },
  {
    name: 'onnx, in-process, merged adapter',
    profile: 'onnx',
    packages: [],
    settings: {
      SLUICE_MODEL_DIR: join(tinyFolder, 'merged-passage'),
      SLUICE_TOKENIZER: join(tinyFolder, 'tokenizer.json'),
    },
  },
  {
    name: 'infinity 0.0.78, mean pooling',
    profile: 'infinity',
    packages: ['infinity-emb[optimum,server]==0.0.78', 'torch==2.15.0'],
    start: (context) => infinity(context, ['--pooling-method', 'mean']),
    health: '/health',
    settings: { SLUICE_SERVED_MODEL: 'toy' },
  },
  {
    name: 'infinity 0.0.78, its default pooling',
    profile: 'infinity',
    packages: ['infinity-emb[optimum,server]==0.0.78', 'torch==2.15.0'],
    start: (context) => infinity(context, []),
    health: '/health',
    settings: { SLUICE_SERVED_MODEL: 'toy' },
  },
  {
    name: 'fastembed 0.9.1 behind FastAPI',
    profile: 'fastembed',
    packages: ['fastembed==0.9.1', 'fastapi', 'uvicorn'],
    start: async ({ python, port }) => ({
      command: python,
      args: [here('./fastembed_server.py'), tinyFolder, String(port)],
    }),
    health: '/health',
    settings: {},
  },
  {
    name: 'fastembed 0.9.1, nobody adds the instruction',
    profile: 'jina',
    packages: ['fastembed==0.9.1', 'fastapi', 'uvicorn'],
    start: async ({ python, port }) => ({
      command: python,
      args: [here('./fastembed_server.py'), tinyFolder, String(port)],
    }),
    health: '/health',
    settings: {},
  },
  {
    name: 'sentence-transformers 6.2, merged checkpoint',
    profile: 'sentence-transformers',
    packages: SENTENCE_TRANSFORMERS,
    start: async ({ python, folder, port }) => ({
      command: python,
      args: [here('./sentence_transformers_server.py'), await mergedCheckpoint(folder), String(port), 'merged'],
    }),
    health: '/health',
    settings: {},
  },
  {
    name: 'sentence-transformers 6.2, encode(task=…)',
    profile: 'jina',
    packages: SENTENCE_TRANSFORMERS,
    start: async ({ python, port }) => ({
      command: python,
      args: [here('./sentence_transformers_server.py'), tinyFolder, String(port), 'task'],
    }),
    health: '/health',
    settings: {},
  },
];

/** The merged checkpoint with the tokenizer beside it. */
async function mergedCheckpoint(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await cp(join(tinyFolder, 'merged-passage'), folder, { recursive: true });
  for (const name of ['tokenizer.json', 'special_tokens_map.json'])
    await cp(join(tinyFolder, name), join(folder, name));
  return folder;
}

/** Needs model.onnx in the root, a type that its transformers knows, and to be started inside the folder. */
async function infinity({ python, folder, port }: StartContext, pooling: string[]) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const merged = join(tinyFolder, 'merged-passage');
  await cp(join(merged, 'onnx', 'model.onnx'), join(folder, 'model.onnx'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    await cp(join(tinyFolder, name), join(folder, name));
  }
  const config = JSON.parse(await readFile(join(merged, 'config.json'), 'utf8')) as Record<string, unknown>;
  const known = { ...config, model_type: 'xlm-roberta', architectures: ['XLMRobertaModel'] };
  await writeFile(join(folder, 'config.json'), JSON.stringify(known));
  return {
    command: python.replace(/python$/, 'infinity_emb'),
    args: [
      'v2',
      '--model-id',
      '.',
      '--served-model-name',
      'toy',
      '--engine',
      'optimum',
      '--device',
      'cpu',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      ...pooling,
    ],
    cwd: folder,
    env: { INFINITY_ANONYMOUS_USAGE_STATS: '0', HF_HUB_OFFLINE: '1' },
  };
}
