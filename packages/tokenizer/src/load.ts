/** Loading a model into shared memory. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { brotliDecompress } from 'node:zlib';
import { SluiceError } from '@sluice/core/errors';
import type { TokenizerModel } from './model.ts';
import { unpackModel } from './packed-model.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

const inflate = promisify(brotliDecompress);
/** The full XLM-R tokenizer: jina-embeddings-v3, multilingual-e5 and bge-m3 share it. Packed from data/tokenizer.json.br. */
const PACKAGED = fileURLToPath(new URL('../data/xlm-roberta.bin.br', import.meta.url));
const PACKAGED_SHA256 = '8c62f335d0fbad5792133e375f6e4f24f94ad55d4b8b89998f9ebe917d32370e';
const threadFile = new URL(import.meta.url.endsWith('.ts') ? './load-thread.ts' : './load-thread.js', import.meta.url);

/**
 * Loads a tokenizer.json or tokenizer.json.br; without a path the XLM-R tokenizer that ships with Sluice. Throws
 * `bad_tokenizer` for a file that is missing, unreadable or no tokenizer. Load once a process and hand the model to threads
 * through `workerData`: its arrays are shared, not copied.
 */
export async function loadTokenizerModel(path?: string): Promise<TokenizerModel> {
  if (path === undefined) return unpackModel(await inflated(PACKAGED), PACKAGED);
  // On a thread of its own, so that the 150 MB of a parsed vocabulary go when the thread goes.
  const thread = new Worker(threadFile, { workerData: path });
  try {
    return await new Promise<TokenizerModel>((resolve, reject) => {
      thread.once('message', ({ model, refused }: LoadReply) => {
        if (model !== undefined) resolve(model);
        else reject(new SluiceError('bad_tokenizer', refused));
      });
      thread.once('error', reject);
      thread.once('exit', (code) => {
        reject(
          new SluiceError('bad_tokenizer', {
            message: 'The tokenizer could not be loaded',
            where: path,
            got: `exit ${code}`,
          }),
        );
      });
    });
  } finally {
    await thread.terminate();
  }
}

export interface LoadReply {
  model?: TokenizerModel;
  refused: { message: string; where?: string | undefined };
}

/** What the thread does: reads the file as JSON and builds the model, in this thread. */
export async function buildTokenizerModel(path: string): Promise<TokenizerModel> {
  const json = await inflated(path);
  const sha256 = createHash('sha256').update(json).digest('hex');
  const name = sha256 === PACKAGED_SHA256 ? 'xlm-roberta' : `sha256:${sha256.slice(0, 12)}`;
  const read = readTokenizerJson(json.toString('utf8'), path);
  if (typeof read === 'string') return { kind: 'library', name, sha256, path, reason: read };
  return { ...read, name, sha256 };
}

async function inflated(path: string): Promise<Buffer> {
  try {
    const bytes = await readFile(path);
    return path.endsWith('.br') ? await inflate(bytes) : bytes;
  } catch (cause) {
    throw new SluiceError('bad_tokenizer', { message: 'The tokenizer file cannot be read', where: path, cause });
  }
}
