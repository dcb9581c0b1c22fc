/** Folders for engines that read only their own layout of the toy model, and where things are. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyFolder } from '../support/jina-tiny-server.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Environments, and what no registry has: see infra/engines/README.md. */
export const engineHome = join(root, '.sluice', 'engines');
export const heads32 = join(tinyFolder, 'heads-32');

/** The recipe's own program. */
export const recipe = (name: string) => join(root, 'infra', 'engines', name, 'server.py');
export const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** TEI and Infinity read the ONNX file and need a `model_type` that they know; Infinity finds it in the root only. */
export async function mergedOnnx(folder: string, modelFile: 'model.onnx' | 'onnx/model.onnx'): Promise<string> {
  const merged = join(tinyFolder, 'merged-passage');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await cp(join(merged, 'onnx', 'model.onnx'), join(folder, modelFile));
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
