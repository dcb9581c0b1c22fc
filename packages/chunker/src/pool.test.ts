import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { afterEach, describe, expect, it } from 'vitest';
import { type ChunkerPool, createChunker, createChunkerPool } from './index.ts';

const limits = {
  targetTokens: 100,
  maxTokens: 200,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 0,
};
let pool: ChunkerPool | undefined;
afterEach(async () => {
  await pool?.close();
  pool = undefined;
});
const documents = Array.from({ length: 12 }, (_, n) => ({
  text: `# Title ${n}\n\n${`Water turns wheel ${n}. `.repeat(80)}`,
  format: 'markdown' as const,
}));

describe('a chunker pool', () => {
  it('cuts as the chunker does, each answer to its own document', async () => {
    pool = await createChunkerPool({ limits, threads: 2 });
    expect(pool.threads).toBe(2);
    const chunker = createChunker(createTokenizer(await loadTokenizerModel()), limits);
    const page = { text: '<title>Mill</title><p>Water turns wheels.</p>', format: 'html' as const };
    const all = [...documents, page];
    const cuts = await Promise.all(all.map((document) => pool!.cut(document)));
    expect(cuts).toEqual(all.map((document) => chunker.cut(document)));
  });

  it('passes refusals on as what they are', async () => {
    pool = await createChunkerPool({
      limits: { ...limits, targetTokens: 16, maxTokens: 16, headings: false },
      threads: 1,
    });
    const refused = pool.cut({ text: 'word '.repeat(250_000), format: 'text' });
    await expect(refused).rejects.toMatchObject({ code: 'too_many_chunks', verdict: 'dead' });
    await expect(pool.cut(documents[0]!)).resolves.toMatchObject({ chunks: expect.any(Array) });
  });

  it('outlives a thread that dies: its document is rejected, the others are cut', async () => {
    pool = await createChunkerPool({ limits, threads: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const huge = pool.cut({ text: '- x\n'.repeat(2_000_000), format: 'markdown' });
    const next = pool.cut(documents[0]!);
    await expect(huge).rejects.toMatchObject({ code: 'chunker_died' });
    await expect(next).resolves.toMatchObject({ chunks: expect.any(Array) });
  });

  it('refuses wrong limits and tokenizers before it starts a thread', async () => {
    await expect(createChunkerPool({ limits: { ...limits, maxTokens: 3 } })).rejects.toMatchObject({
      code: 'bad_configuration',
    });
    await expect(createChunkerPool({ limits, tokenizer: '/nowhere.json' })).rejects.toMatchObject({
      code: 'bad_tokenizer',
    });
  });

  it('finishes what is under way when closed, then refuses', async () => {
    pool = await createChunkerPool({ limits, threads: 2 });
    const under = documents.map((document) => pool!.cut(document));
    await pool.close();
    expect(await Promise.all(under)).toHaveLength(documents.length);
    await expect(pool.cut(documents[0]!)).rejects.toMatchObject({ code: 'chunker_died' });
  });
});
