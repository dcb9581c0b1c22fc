/** Folders for engines that read only their own layout of the toy model, and where things are. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tinyFolder } from '../support/jina-tiny-server.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Environments, and what no registry has: see infra/engines/README.md. */
export const engineHome = join(root, '.sluice', 'engines');
export const heads32 = join(tinyFolder, 'heads-32');

/** The recipe's own program. */
export const recipe = (name: string) => join(root, 'infra', 'engines', name, 'server.py');
export const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const run = promisify(execFile);
const mergeAdapter = join(root, 'infra', 'engines', 'merge-adapter');

export interface MergeOptions {
  /** Layout of the outcome: what an engine reads. */
  layout: 'native' | 'tei' | 'infinity';
  /** Default: retrieval.passage. */
  task?: 'retrieval.passage' | 'retrieval.query' | undefined;
}

/** What a reader of infra/engines/merge-adapter makes of the checkpoint as the hub has it. `python`: one with torch, transformers and peft. */
export async function mergedByTool(folder: string, python: string, { layout, task }: MergeOptions): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  const hub = await hubCheckpoint(`${folder}-hub`, python);
  const options = ['--out', folder, '--for', layout, '--model', 'jina-v3-tiny', ...(task ? ['--task', task] : [])];
  await run(python, [join(mergeAdapter, 'merge_adapter.py'), hub, ...options]);
  return folder;
}

/** The native layout with five adapters, made by its tool of the checkpoint as the hub has it. */
export async function nativeByTool(folder: string, python: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  const hub = await hubCheckpoint(`${folder}-hub`, python);
  await run(python, [join(mergeAdapter, 'published.py'), hub, folder]);
  return folder;
}

/** The toy in the names and the stacking of jinaai/jina-embeddings-v3. */
async function hubCheckpoint(folder: string, python: string): Promise<string> {
  await run(python, [here('./published_layout.py'), tinyFolder, folder]);
  return folder;
}

/** TEI needs a `model_type` that it knows; for the rows that have no Python. */
export async function mergedOnnx(folder: string): Promise<string> {
  const merged = join(tinyFolder, 'merged-passage');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await cp(join(merged, 'onnx', 'model.onnx'), join(folder, 'onnx', 'model.onnx'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    await cp(join(merged, name), join(folder, name));
  }
  const config = JSON.parse(await readFile(join(merged, 'config.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ ...config, model_type: 'xlm-roberta', architectures: ['XLMRobertaModel'] }),
  );
  return folder;
}
