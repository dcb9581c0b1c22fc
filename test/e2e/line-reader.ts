/** What a line holds, read around the command: straight from Milvus and the ledger. */
import { type DocumentKey, documentKey, silentLogger } from '@sluice/core';
import { connectRedis, type Ledger, openLedger } from '@sluice/queue';
import { connectStore, type LineInfo, type Store, type StoredRow } from '@sluice/store';
import { sharedStack } from '../support/stack.ts';

export interface LineReader {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly info: LineInfo;
  key(id: string): DocumentKey;
  /** Every row of a document, of whatever revision, with vectors. */
  rows(id: string): Promise<(StoredRow & { vector: Float32Array })[]>;
  /** Distinct keys and rows of the whole collection by count(*), Strong. */
  countRows(): Promise<number>;
  close(): Promise<void>;
}

export async function readLine(line: string): Promise<LineReader> {
  const { redisUrl, milvus } = sharedStack();
  const store = await connectStore({ ...milvus, logger: silentLogger });
  const info = await store.describeLine(line);
  if (info === undefined) throw new Error(`there is no line ${line}`);
  const redis = connectRedis(redisUrl, { role: 'reader', logger: silentLogger });
  const key = (id: string) => documentKey({ line, id });
  return {
    store,
    info,
    ledger: openLedger(redis, { line, epoch: info.epoch, shards: info.shards }),
    key,
    async rows(id) {
      return (await store.rowsOf(info.collection, key(id), { vectors: true })) as (StoredRow & {
        vector: Float32Array;
      })[];
    },
    countRows: () => store.countRows(info.collection),
    async close() {
      redis.disconnect();
      await store.close();
    },
  };
}

/** Rows as they can be compared: everything but what a re-read may order differently. */
export function snapshot(rows: readonly (StoredRow & { vector: Float32Array })[]): string {
  return JSON.stringify(rows.map(({ vector, ...row }) => ({ ...row, vector: [...vector] })));
}
