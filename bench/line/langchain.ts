/**
 * LangChain.js as its users put it together: the splitter by 8,000 characters, `index()` with a record manager in memory and
 * `incremental` cleanup, 100 documents a batch and 8 texts a request, 2 requests in flight, which are its own defaults or those of its
 * OpenAI client. Embeddings and vector store are the least that its base classes ask for, so what its packages for them
 * take besides is not in the figure. No exact counts, no queue; what was indexed is forgotten when the process ends.
 * `node langchain.ts FOLDER ENGINE_URL MILVUS USERNAME PASSWORD COLLECTION`; prints {"chunks": n, "seconds": s}.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '@langchain/core/documents';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { index } from '@langchain/core/indexing';
import { VectorStore } from '@langchain/core/vectorstores';
import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node';
import { HttpEmbeddings } from './langchain-embeddings.ts';
import { createRecordManager } from './langchain-records.ts';

const [folder = '', engine = '', address = '', username = '', password = '', collection = ''] = process.argv.slice(2);

const milvus = new MilvusClient({ address, username, password });
await milvus.connectPromise;
await milvus.createCollection({
  collection_name: collection,
  fields: [
    { name: 'id', data_type: DataType.VarChar, is_primary_key: true, max_length: 200 },
    { name: 'text', data_type: DataType.VarChar, max_length: 65_535 },
    { name: 'vector', data_type: DataType.FloatVector, dim: 1_024 },
  ],
  index_params: [{ field_name: 'vector', index_type: 'FLAT', metric_type: 'COSINE' }],
});

class MilvusStore extends VectorStore {
  constructor(embeddings: EmbeddingsInterface) {
    super(embeddings, {});
  }

  _vectorstoreType(): string {
    return 'milvus';
  }

  async addDocuments(documents: Document[], { ids }: { ids: string[] }): Promise<void> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    await this.addVectors(vectors, documents, { ids });
  }

  async addVectors(vectors: number[][], documents: Document[], { ids }: { ids: string[] }): Promise<void> {
    const fields_data = documents.map(({ pageContent }, at) => ({
      id: ids[at]!,
      text: pageContent,
      vector: vectors[at]!,
    }));
    const { status } = await milvus.upsert({ collection_name: collection, fields_data });
    if (status.error_code !== 'Success') throw new Error(`Milvus answered ${status.error_code}`);
  }

  async similaritySearchVectorWithScore(): Promise<never> {
    throw new Error('nothing is searched here');
  }
}

const startedAt = performance.now();
const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 8_000, chunkOverlap: 0 });
const vectorStore = new MilvusStore(new HttpEmbeddings(engine));
const recordManager = createRecordManager();
const documents: Document[] = [];
for (const name of readdirSync(folder)) {
  const text = readFileSync(join(folder, name), 'utf8');
  documents.push(...(await splitter.createDocuments([text], [{ source: name }])));
}
const { numAdded } = await index({
  docsSource: documents,
  recordManager,
  vectorStore,
  options: { cleanup: 'incremental', sourceIdKey: 'source' },
});
const seconds = (performance.now() - startedAt) / 1_000;
await milvus.closeConnection();
process.stdout.write(`${JSON.stringify({ chunks: numAdded, seconds })}\n`);
