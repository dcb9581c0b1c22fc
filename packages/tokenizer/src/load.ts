/** Loading: from a tokenizer.json (plain or Brotli) to a model in shared memory; the parsed JSON is dropped. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { SluiceError } from '@sluice/core';
import type { TokenizerModel } from './model.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

const inflate = promisify(brotliDecompress);
/** The full XLM-R tokenizer: jina-embeddings-v3, multilingual-e5 and bge-m3 share it. */
const PACKAGED = fileURLToPath(new URL('../data/tokenizer.json.br', import.meta.url));
const PACKAGED_SHA256 = '8c62f335d0fbad5792133e375f6e4f24f94ad55d4b8b89998f9ebe917d32370e';

/**
 * Loads a tokenizer.json or tokenizer.json.br; without a path the XLM-R tokenizer that ships with Sluice. Throws
 * `bad_tokenizer` for a file that is missing, unreadable or no tokenizer. Load once a process and hand the model to threads
 * through `workerData`: its arrays are shared, not copied.
 */
export async function loadTokenizerModel(path: string = PACKAGED): Promise<TokenizerModel> {
  const json = await readJson(path);
  const sha256 = createHash('sha256').update(json).digest('hex');
  const name = sha256 === PACKAGED_SHA256 ? 'xlm-roberta' : `sha256:${sha256.slice(0, 12)}`;
  const read = readTokenizerJson(json.toString('utf8'), path);
  if (typeof read === 'string') return { kind: 'library', name, sha256, path, reason: read };
  return { ...read, name, sha256 };
}

async function readJson(path: string): Promise<Buffer> {
  try {
    const bytes = await readFile(path);
    return path.endsWith('.br') ? await inflate(bytes) : bytes;
  } catch (cause) {
    throw new SluiceError('bad_tokenizer', { message: 'The tokenizer file cannot be read', where: path, cause });
  }
}
