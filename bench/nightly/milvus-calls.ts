/** How often the embedded Milvus was asked about rows so far, by its own metrics: insert, upsert, delete, search and query. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROWS =
  /^milvus_proxy_req_count\{.*function_name="(?:Insert|Upsert|Delete|Search|Query)".*status="total".*\} (\S+)$/gm;

export async function milvusCalls(folder: string): Promise<number> {
  const { ports } = JSON.parse(await readFile(join(folder, 'home', 'stack.json'), 'utf8')) as {
    ports: Record<string, number>;
  };
  const metrics = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  return [...metrics.matchAll(ROWS)].reduce((sum, [, count]) => sum + Number(count), 0);
}
