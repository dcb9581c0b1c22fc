/** What the batcher may do to the outside, passed in as arguments: the ledger, the engine and Milvus behind plain verbs. */
import type { SluiceError } from '@sluice/core';
import type { EmbedReply } from '@sluice/embedder';
import type { FenceAnswer, MarkAnswer } from '@sluice/queue';
import type { Item } from './item.ts';

export interface WrittenItem {
  item: Item;
  /** Cut to the stored dimension, unit length. */
  vector: Float32Array;
  /** Taken from a row of an older revision instead of the engine. */
  reused: boolean;
}

export interface BatcherVerbs {
  /** Fence 1, with the write intent. Answers in order. */
  fence(items: Item[]): Promise<{ answer: FenceAnswer; older: boolean }[]>;
  /** Stored vectors of older revisions with the same embedded text; undefined where there is none that is sound. */
  findVectors(items: Item[]): Promise<(Float32Array | undefined)[]>;
  /** One engine request. */
  embed(items: Item[]): Promise<EmbedReply>;
  /** A known text through the same engine. */
  witnessEngine(): Promise<void>;
  /** First components, unit length again. Throws `zero_vector`. */
  cut(full: Float32Array): Float32Array;
  /** Positive acknowledgement only. */
  upsert(rows: WrittenItem[]): Promise<void>;
  /** Describe and a Strong query on the same Milvus. */
  witnessStore(): Promise<void>;
  /** Fence 2 and the stored bit. Answers in order. */
  mark(rows: WrittenItem[]): Promise<MarkAnswer[]>;
  /** Overtaken: deletes exactly these rows, then gives the write intents back. */
  forget(items: Item[]): Promise<void>;
  /** Counts an attempt that failed for an unknown reason; how many there are, or 0 if the chunk is wanted no more. */
  attempt(item: Item): Promise<number>;
  /** Records a dead letter. False: nobody wants the chunk any more. */
  dead(item: Item, error: SluiceError): Promise<boolean>;
  /** Counts one engine request for the line and the runs that its rows belong to; on record with the next mark or dead letter. */
  countRequest(items: Item[], paddedTokens: number): void;
}
