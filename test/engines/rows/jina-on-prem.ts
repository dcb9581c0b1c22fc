/** The server of the model's makers, unmodified, over the toy: `git clone` of jina-ai/jina-on-prem. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyFolder } from '../../support/jina-tiny-server.ts';
import type { EngineRow, StartContext } from '../engine-row.ts';
import { engineHome, here } from '../layouts.ts';
import { TORCH } from './python-servers.ts';

const checkout = join(engineHome, 'jina-on-prem');
const PROMPTS = {
  'retrieval.query': 'Represent the query for retrieving evidence documents: ',
  'retrieval.passage': 'Represent the document for retrieval: ',
};
const MODULES = [
  { idx: 0, name: 'transformer', path: '', type: 'custom_st.Transformer', kwargs: ['task'] },
  { idx: 1, name: 'pooler', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
  { idx: 2, name: 'normalizer', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
];

/** Relative to where it is started, the folder has the name that its catalogue knows. */
async function layOut(folder: string): Promise<void> {
  const model = join(folder, 'jinaai', 'jina-embeddings-v3');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(model, '1_Pooling'), { recursive: true });
  await mkdir(join(model, '2_Normalize'));
  for (const name of ['model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
    await cp(join(tinyFolder, name), join(model, name));
  for (const task of ['retrieval_query', 'retrieval_passage', 'separation', 'classification', 'text_matching'])
    await cp(join(tinyFolder, task), join(model, task), { recursive: true });
  await cp(here('./jina_on_prem_standin.py'), join(model, 'custom_st.py'));
  const config = JSON.parse(await readFile(join(tinyFolder, 'config.json'), 'utf8')) as object;
  const files = {
    'config.json': { ...config, dtype: 'float32' },
    'modules.json': MODULES,
    'config_sentence_transformers.json': { prompts: PROMPTS },
    '1_Pooling/config.json': { word_embedding_dimension: 64, pooling_mode_mean_tokens: true },
    '2_Normalize/config.json': {},
  };
  for (const [name, value] of Object.entries(files)) await writeFile(join(model, name), JSON.stringify(value));
}

const onPrem = (name: string, profile: string, expect: EngineRow['expect']): EngineRow => ({
  name,
  profile,
  expect,
  environment: TORCH,
  needs: { path: join(checkout, 'server', 'app.py'), what: 'a checkout of jina-ai/jina-on-prem at c9fde81 goes there' },
  async start({ python, folder, port }: StartContext) {
    await layOut(folder);
    return {
      command: python,
      args: [
        ...['-m', 'uvicorn', '--app-dir', join(checkout, 'server'), 'app:app'],
        ...['--host', '127.0.0.1', '--port', String(port)],
      ],
      cwd: folder,
      env: {
        JINA_MODEL_ID: 'jinaai/jina-embeddings-v3',
        JINA_OFFLINE: '1',
        HF_HUB_OFFLINE: '1',
        JINA_CPU_AUTOCAST: 'off',
        PORT: String(port),
      },
    };
  },
  settings: { SLUICE_SERVED_MODEL: 'jina-embeddings-v3' },
});

export const jinaOnPremRows: readonly EngineRow[] = [
  onPrem('jina-on-prem 4.0.0', 'jina', 'right'),
  onPrem('jina-on-prem 4.0.0, no task sent', 'openai', 'task_ignored'),
];
