/** The threads that cut documents, as the configuration says. */
import { type ChunkerPool, createChunkerPool } from '@sluice/chunker';
import type { Config, Releaser } from '@sluice/core';
import type { LinePlan } from '@sluice/line';

export async function openPool(
  { limits }: Pick<LinePlan, 'limits'>,
  { config, releaser }: { config: Config; releaser: Releaser },
): Promise<ChunkerPool> {
  const pool = await createChunkerPool({
    ...(config.SLUICE_TOKENIZER !== undefined && { tokenizer: config.SLUICE_TOKENIZER }),
    ...(config.SLUICE_CHUNK_THREADS !== undefined && { threads: config.SLUICE_CHUNK_THREADS }),
    limits,
  });
  releaser.push('the chunker threads', () => pool.close());
  return pool;
}
