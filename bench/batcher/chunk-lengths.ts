/** Lengths of real chunks: those that the example corpus's documents of 1,000 tokens and more are cut into. */
import { createChunkerPool } from '@sluice/chunker';
import { loadConfig, totalTokens } from '@sluice/core';
import { planLine } from '@sluice/line';
import { exampleCorpus, readCorpus } from '../chunker/corpus.ts';

const LONG_DOCUMENT = 1_000;

/** `count` lengths in tokens, drawn from all of them in an order that is the same in every run. */
export async function chunkLengths(count: number): Promise<number[]> {
  const { limits } = await planLine(loadConfig([{ name: 'bench', values: { SLUICE_ENGINE: 'null' } }]).config);
  const pool = await createChunkerPool({ limits, threads: 1 });
  const lengths: number[] = [];
  for (const document of readCorpus(exampleCorpus)) {
    const { chunks } = await pool.cut(document);
    const tokens = chunks.map((chunk) => totalTokens(chunk.tokens));
    if (tokens.reduce((sum, length) => sum + length, 0) >= LONG_DOCUMENT) lengths.push(...tokens);
  }
  await pool.close();
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return lengths[state % lengths.length]!;
  });
}
