/** How many rows the shared Milvus has been asked to write or delete so far, by its own metrics. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedStack } from './stack.ts';

export async function milvusWrites(): Promise<{ inserted: number; deleted: number }> {
  const metrics = await readMetrics();
  return {
    inserted: sum(metrics, 'milvus_proxy_insert_vectors_count') + sum(metrics, 'milvus_proxy_upsert_vectors_count'),
    deleted: sum(metrics, 'milvus_proxy_delete_vectors_count'),
  };
}

/** Bytes of the rows that were written into one collection. */
export async function writtenBytes(collection: string): Promise<number> {
  const ofCollection = (await readMetrics())
    .split('\n')
    .filter((line) => line.includes(`collection_name="${collection}"`));
  const written = ofCollection.filter((line) => line.includes('msg_type="upsert"'));
  return sum(written.join('\n'), 'milvus_proxy_receive_bytes_count');
}

async function readMetrics(): Promise<string> {
  const { ports } = JSON.parse(await readFile(join(sharedStack().home, 'stack.json'), 'utf8')) as {
    ports: Record<string, number>;
  };
  return (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
}

function sum(metrics: string, name: string): number {
  let total = 0;
  for (const line of metrics.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      total += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return total;
}
