/** What a folder with an exported model holds, in the layouts that the hub and optimum write. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/core';
import { z } from 'zod';

export interface ModelFolder {
  /** By path, never by bytes: external data beside it is found by path only. */
  modelFile: string;
  tokenizerFile: string;
  /** From config.json; the input that fills up short rows, masked out anyway. */
  padId: number;
  hiddenSize: number | undefined;
}

const configShape = z.object({
  pad_token_id: z.number().int().nonnegative().nullish(),
  hidden_size: z.number().int().positive().optional(),
});

/** The hub's, optimum's, and the hub's in half precision: whoever has both gets the exact one. */
const MODEL_FILES = ['onnx/model.onnx', 'model.onnx', 'onnx/model_fp16.onnx', 'model_fp16.onnx'];

/** Throws `bad_configuration` naming what is missing. */
export async function readModelFolder(folder: string, tokenizer: string | undefined): Promise<ModelFolder> {
  const modelFile = await first(MODEL_FILES.map((path) => join(folder, path)));
  if (modelFile === undefined) throw missing(folder, MODEL_FILES.join(', '));
  const tokenizerFile = await first(tokenizer === undefined ? [join(folder, 'tokenizer.json')] : [tokenizer]);
  if (tokenizerFile === undefined) throw missing(folder, 'tokenizer.json (or SLUICE_TOKENIZER)');
  const config = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '{}');
  const parsed = configShape.safeParse(safeJson(config));
  return {
    modelFile,
    tokenizerFile,
    padId: (parsed.success ? parsed.data.pad_token_id : undefined) ?? 1,
    hiddenSize: parsed.success ? parsed.data.hidden_size : undefined,
  };
}

async function first(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function missing(folder: string, what: string): SluiceError {
  return new SluiceError('bad_configuration', {
    message: 'The model folder lacks a file',
    where: `SLUICE_MODEL_DIR=${folder}`,
    expected: what,
    got: 'none',
    fix: "Point SLUICE_MODEL_DIR at a folder with the hub's ONNX export: onnx/model.onnx and tokenizer.json.",
  });
}
