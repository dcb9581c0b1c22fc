/**
 * The script that people write first: LangChain's splitter by 8,000 characters, 8 texts a request, 4 requests in flight, the
 * SDK's rows. No exact counts, no queue, no ledger, no check of what comes back: the SDK resolves when Milvus refuses rows, too.
 * `node plain.ts FOLDER ENGINE_URL MILVUS USERNAME PASSWORD COLLECTION`; prints {"chunks": n, "seconds": s}.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node';

const [folder = '', engine = '', address = '', username = '', password = '', collection = ''] = process.argv.slice(2);
const ROWS = 8;
const IN_FLIGHT = 4;

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

const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 8_000, chunkOverlap: 0 });
let batch: { id: string; text: string }[] = [];
const running = new Set<Promise<void>>();
let chunks = 0;
const startedAt = performance.now();

for (const name of readdirSync(folder)) {
  const texts = await splitter.splitText(readFileSync(join(folder, name), 'utf8'));
  for (const [index, text] of texts.entries()) {
    batch.push({ id: `${name}#${index}`, text });
    if (batch.length === ROWS) await send();
  }
}
await send();
await Promise.all(running);
const seconds = (performance.now() - startedAt) / 1_000;
await milvus.closeConnection();
process.stdout.write(`${JSON.stringify({ chunks, seconds })}\n`);

async function send(): Promise<void> {
  const rows = batch;
  batch = [];
  if (rows.length === 0) return;
  const work = store(rows).finally(() => running.delete(work));
  running.add(work);
  if (running.size >= IN_FLIGHT) await Promise.race(running);
}

async function store(rows: { id: string; text: string }[]): Promise<void> {
  const response = await fetch(`${engine}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: rows.map(({ text }) => text), task: 'retrieval.passage' }),
  });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  const fields_data = rows.map((row, index) => ({ ...row, vector: data[index]!.embedding }));
  await milvus.upsert({ collection_name: collection, fields_data });
  chunks += rows.length;
}
