/** What the embedded Milvus was asked so far, by its own metrics. milvus-lite has none. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MilvusCalls {
  /** Insert, upsert, delete, search and query. */
  aboutRows: number;
  /** Besides these what is asked when a connection or a collection is opened. */
  all: number;
  upserts: { requests: number; rows: number; bytes: number };
}

const ABOUT_ROWS = new Set(['Insert', 'Upsert', 'Delete', 'Search', 'Query']);

export async function milvusCalls({ home }: { home: string }): Promise<MilvusCalls> {
  const { ports } = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')) as {
    ports: Record<string, number>;
  };
  return readCalls(await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text());
}

export function readCalls(metrics: string): MilvusCalls {
  const sum = (pattern: RegExp, wanted: (kind: string) => boolean) =>
    [...metrics.matchAll(pattern)].reduce(
      (total, [, kind = '', value]) => total + (wanted(kind) ? Number(value) : 0),
      0,
    );
  const requests = /^milvus_proxy_req_count\{.*?function_name="(\w+)".*status="total".*\} (\S+)$/gm;
  const received = /^milvus_proxy_receive_bytes_count\{.*?msg_type="(\w+)".*\} (\S+)$/gm;
  const rows = /^milvus_proxy_(upsert)_vectors_count\{.*\} (\S+)$/gm;
  return {
    aboutRows: sum(requests, (kind) => ABOUT_ROWS.has(kind)),
    all: sum(requests, () => true),
    upserts: {
      requests: sum(requests, (kind) => kind === 'Upsert'),
      rows: sum(rows, () => true),
      bytes: sum(received, (kind) => kind === 'upsert'),
    },
  };
}
