/** The batcher's verbs on a real line: ledger, engine and Milvus. */
import { type JsonValue, type PersistOptions, SluiceError } from '@sluice/core';
import { cutVector, type Engine } from '@sluice/embedder';
import type { Line } from '@sluice/line';
import type { ChunkRef, EngineRequest } from '@sluice/queue';
import type { Row } from '@sluice/store';
import { createEngineCalls } from './engine-calls.ts';
import type { Item } from './item.ts';
import type { BatcherVerbs, WrittenItem } from './verbs.ts';

export function createVerbs({
  line,
  engine,
  worker,
  prove,
  deleteKeys,
  waiting,
}: {
  line: Line;
  engine: Engine;
  worker: string;
  /** A known text has its known vector. */
  prove: () => Promise<void>;
  deleteKeys(ids: readonly string[]): Promise<void>;
  /** How outages are waited out; its signal ends requests. */
  waiting: PersistOptions;
}): BatcherVerbs {
  const { ledger, store, info } = line;
  const { collection, space } = info;
  const { signal } = waiting;
  const noted = createEngineCalls({ ledger, worker, waiting });
  let uncounted: EngineRequest[] = [];

  /** What was counted leaves with the next thing that is told to the ledger: before it, so that whoever sees a run done sees its requests. */
  function sendCounts(): void {
    const requests = uncounted;
    uncounted = [];
    // Only a count: an outage of Redis is noticed, and waited out, where it matters.
    if (requests.length > 0) ledger.countRequests(requests).catch(() => undefined);
  }

  return {
    fence: (items) => ledger.fence(items.map(toRef), worker),

    async findVectors(items) {
      const wants = new Map<string, { key: string; before: string; hashes: string[] }>();
      for (const { key, revision, job } of items) {
        const want = wants.get(key + revision);
        if (want === undefined) wants.set(key + revision, { key, before: revision, hashes: [job.hash] });
        else want.hashes.push(job.hash);
      }
      const found = await store.findVectors(collection, [...wants.values()]);
      return items.map(({ key, job }) => sound(found.get(key)?.get(job.hash), space.storedDimension));
    },

    embed: (items) =>
      noted(items, () =>
        engine.embed({
          texts: items.map((item) => item.text),
          tokens: items.map((item) => item.tokens),
          role: 'passage',
          signal,
        }),
      ),

    witnessEngine: () => prove(),

    cut: (full) => cutVector(full, space.storedDimension),
    async upsert(rows) {
      await store.upsert(collection, rows.map(toRow));
      // Rows that went into a collection made anew under the same name are not stored ones of this ledger.
      await line.proveCollection();
    },
    witnessStore: () => store.witness(collection),

    mark(rows) {
      sendCounts();
      return ledger.mark(
        rows.map(({ item: { key, revision, ordinal, tokens }, reused }) => ({
          key,
          revision,
          ordinal,
          tokens,
          reused,
        })),
        worker,
      );
    },

    async forget(items) {
      await deleteKeys(items.map((item) => item.id));
      await ledger.release(items.map(toRef), worker);
    },

    async attempt(item) {
      const [attempts = 0] = await ledger.attempt([toRef(item)]);
      return attempts;
    },

    async dead(item, error) {
      sendCounts();
      const { code, what: reason } = error;
      const [answer] = await ledger.dead(
        [{ ...toRef(item), tokens: item.tokens, code, reason, job: item.job }],
        worker,
      );
      if (answer === 'dead-in-a-row') throw inARow(error);
      return answer === 'dead' || answer === 'already-stored';
    },

    countRequest(items, paddedTokens) {
      uncounted.push({ rows: items.map(({ job, tokens }) => ({ run: job.run, tokens })), paddedTokens });
    },
  };
}

/** One bad document is its own fault; so many one after another, with nothing stored between, are somebody else's. */
function inARow({ code, where, fix }: SluiceError): SluiceError {
  return new SluiceError(code, {
    message: 'Twenty different documents in a row ended with this code and nothing was stored between',
    where,
    fix: `${fix} Then \`npx sluice dead retry --code ${code}\` and start the worker again.`,
    verdict: 'stop',
  });
}

function toRef({ key, revision, ordinal }: Item): ChunkRef {
  return { key, revision, ordinal };
}

/** A stored vector is reused only if it is what a fresh one would have to be: right size, finite, unit length. */
function sound(vector: Float32Array | undefined, dimension: number): Float32Array | undefined {
  if (vector === undefined || vector.length !== dimension) return undefined;
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.abs(Math.sqrt(squares) - 1) < 1e-3 ? vector : undefined;
}

function toRow({ item, vector }: WrittenItem): Row {
  const { job } = item;
  const metadata: Record<string, JsonValue> = { ...job.metadata };
  // A document's own key of that name is the author's and stays.
  if (job.heading.length > 0) metadata.heading ??= job.heading;
  return {
    id: item.id,
    doc_id: job.documentId,
    rev: item.revision,
    ordinal: item.ordinal,
    chunk_count: job.chunkCount,
    chunk_hash: job.hash,
    doc_hash: job.docHash,
    text: job.text,
    start: job.start,
    end: job.end,
    metadata,
    vector,
    ...(job.tenant !== undefined && { tenant: job.tenant }),
  };
}
