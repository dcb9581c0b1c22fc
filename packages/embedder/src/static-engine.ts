/** The engine that ships with Sluice: a static embedding table in a worker thread. For trying the line; see its profile. */
import { fileURLToPath } from 'node:url';
import { loadTokenizerModel } from '@sluice/tokenizer';
import type { Engine } from './engine.ts';
import type { Profile } from './profile.ts';
import type { StaticAnswer } from './static-thread.ts';
import { createThread } from './thread.ts';

/** This file's own ending: the same code runs as TypeScript and bundled. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './static-thread.ts' : './static-thread.js',
  import.meta.url,
);
const tableFile = fileURLToPath(new URL('../data/static-xlmr/static-xlmr.bin.br', import.meta.url));

/**
 * Always counts and looks up with XLM-R's own tokenizer, whatever SLUICE_TOKENIZER names: the table's rows are its pieces.
 * Resolves when table and tokenizer are loaded.
 */
export async function createStaticEngine({ profile }: { profile: Profile }): Promise<Engine> {
  const thread = createThread<readonly string[], StaticAnswer>({
    script: threadFile,
    what: 'The static engine',
    workerData: { tokenizerModel: await loadTokenizerModel(), tableFile },
  });
  await thread.start();
  const { fullDimension } = profile;
  return {
    profile,
    fullDimension,
    where: 'in-process',
    async embed({ texts, signal }) {
      const { vectors, usageTokens } = await thread.call(texts, signal);
      return {
        vectors: texts.map((_, row) => vectors.subarray(row * fullDimension, (row + 1) * fullDimension)),
        usageTokens,
      };
    },
    close: () => thread.close(),
    get abandoned() {
      return thread.abandoned;
    },
  };
}
