/** Settings of a line whose engine is the toy model: its space, its tokenizer, its golden vectors. */
import { join } from 'node:path';
import { tinyFolder } from '../support/jina-tiny-server.ts';

export function tinySettings(url: string): Record<string, string> {
  return {
    SLUICE_ENGINE: 'jina',
    SLUICE_ENGINE_URL: url,
    SLUICE_MODEL: 'jina-v3-tiny',
    SLUICE_MODEL_REVISION: '1',
    SLUICE_FULL_DIMENSION: '64',
    SLUICE_DIMENSION: '32',
    SLUICE_TOKENIZER: join(tinyFolder, 'tokenizer.json'),
    SLUICE_GOLDEN: join(tinyFolder, 'golden.json'),
    // One row a request above 2,048 tokens.
    SLUICE_BATCH_TOKENS: '4096',
  };
}
