/**
 * LangChain.js `index()` with a modelled device behind HTTP, as it asks any engine: 100 documents a batch, 8 texts a request, 2 requests in
 * flight. Its vectors go nowhere, so that it waits for the device alone.
 */
import type { Document } from '@langchain/core/documents';
import { index } from '@langchain/core/indexing';
import { VectorStore } from '@langchain/core/vectorstores';
import { silentLogger } from '@sluice/core';
import { type ModelledEngine, serveEngine } from '@sluice/embedder';
import { HttpEmbeddings } from '../line/langchain-embeddings.ts';
import { createRecordManager } from '../line/langchain-records.ts';

class NoStore extends VectorStore {
  _vectorstoreType(): string {
    return 'none';
  }

  async addDocuments(documents: Document[]): Promise<void> {
    await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
  }

  async addVectors(): Promise<void> {}

  async similaritySearchVectorWithScore(): Promise<never> {
    throw new Error('nothing is searched here');
  }
}

/** How many tokens a text of `langchain` stands for. */
export const tokensOf = (text: string): number => Number.parseInt(text, 10);

export async function langchain(engine: ModelledEngine, lengths: readonly number[]): Promise<void> {
  const server = await serveEngine({
    engine: Promise.resolve(engine),
    model: 'modelled',
    port: 0,
    logger: silentLogger,
  });
  const docsSource = lengths.map((tokens, at) => ({
    pageContent: `${tokens} ${at}`,
    metadata: { source: String(at) },
  }));
  const { numAdded } = await index({
    docsSource,
    recordManager: createRecordManager(),
    vectorStore: new NoStore(new HttpEmbeddings(server.url), {}),
    options: { cleanup: 'incremental', sourceIdKey: 'source' },
  });
  await server.close();
  if (numAdded !== lengths.length) throw new Error(`LangChain.js indexed ${numAdded} of ${lengths.length} chunks`);
}
