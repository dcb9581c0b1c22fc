/** A line without servers, for the batcher: the ledger says yes to everything, rows go nowhere. It counts how long items wait. */
import type { PacedEngine } from '@sluice/embedder';
import type { ChunkJob } from '@sluice/queue';
import { type BatcherVerbs, createItem, type Item } from '@sluice/worker';

/** `priority`: lower goes first. */
export function itemOf(number: number, tokens: number, priority: number): Item {
  const job: ChunkJob = {
    v: 1,
    key: `d${number.toString(16).padStart(20, '0')}`,
    revision: '1',
    ordinal: 0,
    generation: 0,
    chunkCount: 1,
    documentId: String(number),
    text: String(number),
    context: '',
    start: 0,
    end: 1,
    heading: [],
    tokens: { text: tokens, special: 0, instruction: 0 },
    hash: 'h'.repeat(22),
    docHash: 'd'.repeat(22),
    metadata: {},
    epoch: 'bench',
  };
  return createItem(job, priority);
}

export function openVerbs(engine: PacedEngine): {
  verbs: BatcherVerbs;
  arrived(item: Item): void;
  /** Requests that left between the arrival of an item and its own: the most of all items. */
  longestWait(): number;
} {
  const arrivals = new Map<Item, number>();
  let requests = 0;
  let longest = 0;
  const verbs: BatcherVerbs = {
    fence: async (items) => items.map(() => ({ answer: 'current', older: false })),
    findVectors: async (items) => items.map(() => undefined),
    embed(items) {
      requests += 1;
      for (const item of items) {
        longest = Math.max(longest, requests - (arrivals.get(item) ?? requests));
        arrivals.delete(item);
      }
      return engine.embed({
        texts: items.map(({ text }) => text),
        tokens: items.map(({ tokens }) => tokens),
        role: 'passage',
      });
    },
    witnessEngine: async () => undefined,
    cut: (full) => full,
    upsert: async () => undefined,
    witnessStore: async () => undefined,
    mark: async (rows) => rows.map(() => 'stored'),
    forget: async () => undefined,
    attempt: async () => 0,
    dead: async () => true,
    countRequest: () => undefined,
  };
  return {
    verbs,
    arrived: (item) => void arrivals.set(item, requests),
    longestWait: () => longest,
  };
}
