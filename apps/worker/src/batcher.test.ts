import { type ErrorCode, SluiceError, silentLogger, systemClock } from '@sluice/core';
import { paddedTokens } from '@sluice/embedder';
import type { ChunkJob, FenceAnswer, MarkAnswer } from '@sluice/queue';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';
import { createItem, type Item } from './item.ts';
import type { BatcherVerbs, WrittenItem } from './verbs.ts';

const fail = (code: ErrorCode) => new SluiceError(code, { message: code });

function job(name: number, tokens = 100): ChunkJob {
  return {
    v: 1,
    key: `d${name.toString(16).padStart(20, '0')}`,
    revision: '5',
    ordinal: 0,
    generation: 0,
    chunkCount: 1,
    documentId: `doc-${name}`,
    text: `text ${name}`,
    context: '',
    start: 0,
    end: 6,
    heading: [],
    tokens: { text: tokens, special: 0, instruction: 0 },
    hash: 'h'.repeat(22),
    docHash: 'c'.repeat(22),
    metadata: {},
    epoch: 'e',
  };
}

/** A world in memory: rows by key, what the ledger answers, every engine request. */
function world(
  overrides: Partial<BatcherVerbs> = {},
  { monotonicMs = systemClock.monotonicMs, gatherMs = 0 }: { monotonicMs?: () => number; gatherMs?: number } = {},
) {
  const rows = new Map<string, Float32Array>();
  const requests: Item[][] = [];
  const dead: string[] = [];
  const stops: unknown[] = [];
  const verbs: BatcherVerbs = {
    fence: async (items) => items.map(() => ({ answer: 'current' as FenceAnswer, older: false })),
    findVectors: async (items) => items.map(() => undefined),
    async embed(items) {
      requests.push(items);
      return { vectors: items.map(() => Float32Array.of(1, 0)) };
    },
    witnessEngine: async () => undefined,
    cut: (full) => full.slice(),
    async upsert(written) {
      expect(new Set(written.map(({ item }) => item.id)).size).toBe(written.length);
      for (const { item, vector } of written) rows.set(item.id, vector);
    },
    witnessStore: async () => undefined,
    mark: async (written) => written.map(() => 'stored' as MarkAnswer),
    async forget(items) {
      for (const { id } of items) rows.delete(id);
    },
    attempt: async () => 5,
    async dead(item, error) {
      dead.push(`${item.job.documentId} ${error.code}`);
      return true;
    },
    countRequest: () => undefined,
    ...overrides,
  };
  const batcher = createBatcher({
    verbs,
    maxPaddedTokens: 1_000,
    maxRows: 8,
    workingSize: () => ({ maxPaddedTokens: 1_000 }),
    inFlight: () => 2,
    fenceMaxAgeMs: 5_000,
    gatherMs,
    clock: { ...systemClock, monotonicMs, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    logger: silentLogger,
    onOutage: () => undefined,
    onProgress: () => undefined,
    onStop: (error) => stops.push(error),
  });
  return { batcher, rows, requests, dead, stops };
}

describe('the batcher', () => {
  test('no request passes either budget, and every item gets its outcome and its row', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 60 }),
        async (lengths) => {
          const { batcher, rows, requests } = world();
          const outcomes = await Promise.all(
            lengths.map((tokens, name) => batcher.accept(createItem(job(name, tokens)))),
          );
          expect(new Set(outcomes)).toEqual(new Set(['stored']));
          expect(rows.size).toBe(lengths.length);
          for (const items of requests) {
            expect(paddedTokens(items.map((item) => item.tokens))).toBeLessThanOrEqual(1_000);
            expect(items.length).toBeLessThanOrEqual(8);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('superseded and stored work is not embedded; the row of an overtaken one is deleted', async () => {
    const answers: FenceAnswer[] = ['overtaken', 'already-stored', 'current'];
    const { batcher, rows, requests } = world({
      fence: async (items) =>
        items.map((item) => ({ answer: answers[Number(item.job.documentId.slice(4))]!, older: false })),
    });
    rows.set(createItem(job(0)).id, Float32Array.of(1));
    expect(await Promise.all([0, 1, 2].map((name) => batcher.accept(createItem(job(name)))))).toEqual([
      'overtaken',
      'already-stored',
      'stored',
    ]);
    expect(requests.flat().map((item) => item.job.documentId)).toEqual(['doc-2']);
    expect([...rows.keys()]).toEqual([createItem(job(2)).id]);
  });

  test('overtaken between write and mark: exactly its own row goes', async () => {
    const { batcher, rows } = world({
      mark: async (written) => written.map(({ item }) => (item.job.documentId === 'doc-1' ? 'overtaken' : 'stored')),
    });
    expect(await Promise.all([0, 1].map((name) => batcher.accept(createItem(job(name)))))).toEqual([
      'stored',
      'overtaken',
    ]);
    expect([...rows.keys()]).toEqual([createItem(job(0)).id]);
  });

  test('stopped between fence and send for longer than half its lock, a worker asks again and does not send what is overtaken', async () => {
    let now = 0;
    let fences = 0;
    const forgotten: string[] = [];
    const { batcher, rows } = world(
      {
        async fence(items) {
          fences += 1;
          return items.map(() => ({ answer: fences === 1 ? 'current' : 'overtaken', older: false }));
        },
        async embed(items) {
          now += 60_000; // stopped, and woken up after somebody else took the chunk over
          return { vectors: items.map(() => Float32Array.of(1, 0)) };
        },
        forget: async (items) => void forgotten.push(...items.map(({ id }) => id)),
      },
      { monotonicMs: () => now },
    );
    const item = createItem(job(0));
    expect(await batcher.accept(item)).toBe('overtaken');
    expect([rows.size, fences, forgotten]).toEqual([0, 2, [item.id]]);
  });

  test('an older row with the same text gives its vector and the engine is not asked', async () => {
    const { batcher, rows, requests } = world({
      fence: async (items) => items.map(() => ({ answer: 'current' as FenceAnswer, older: true })),
      findVectors: async (items) =>
        items.map((item) => (item.job.documentId === 'doc-0' ? Float32Array.of(0, 1) : undefined)),
    });
    expect(await Promise.all([0, 1].map((name) => batcher.accept(createItem(job(name)))))).toEqual([
      'reused',
      'stored',
    ]);
    expect(requests.flat().length).toBe(1);
    expect(rows.get(createItem(job(0)).id)).toEqual(Float32Array.of(0, 1));
  });

  test('one text that the engine refuses dies alone', async () => {
    const { batcher, rows, dead } = world({
      async embed(items) {
        if (items.some((item) => item.job.documentId === 'doc-3')) throw fail('engine_rejected');
        return { vectors: items.map(() => Float32Array.of(1, 0)) };
      },
    });
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, name) => batcher.accept(createItem(job(name)))));
    expect(outcomes.filter((outcome) => outcome === 'stored').length).toBe(7);
    expect([outcomes[3], dead, rows.size]).toEqual(['dead', ['doc-3 engine_rejected'], 7]);
  });

  test('a vector that is not finite is asked for once more, alone, then its chunk is dead; its neighbours are stored', async () => {
    const alone: string[] = [];
    const { batcher, dead } = world({
      async embed(items) {
        if (items.length === 1) alone.push(items[0]!.job.documentId);
        return {
          vectors: items.map((item) =>
            item.job.documentId === 'doc-1' || (item.job.documentId === 'doc-2' && items.length > 1)
              ? null
              : Float32Array.of(1, 0),
          ),
        };
      },
    });
    expect(await Promise.all([0, 1, 2].map((name) => batcher.accept(createItem(job(name)))))).toEqual([
      'stored',
      'dead',
      'stored',
    ]);
    expect(dead).toEqual(['doc-1 bad_vector']);
    expect(alone.sort()).toEqual(['doc-1', 'doc-2']);
  });

  test('a zero vector after the cut is a dead letter', async () => {
    const { batcher, dead } = world({
      cut: () => {
        throw fail('zero_vector');
      },
    });
    expect(await batcher.accept(createItem(job(0)))).toBe('dead');
    expect(dead).toEqual(['doc-0 zero_vector']);
  });

  test('an engine that gives no vector for a known text either is to blame: nothing is dead', async () => {
    const { batcher, dead, stops } = world({
      embed: async (items) => ({ vectors: items.map(() => null) }),
      async witnessEngine() {
        throw fail('model_swapped');
      },
    });
    expect(await Promise.all([0, 1, 2].map((name) => batcher.accept(createItem(job(name)))))).toEqual([
      'handed-back',
      'handed-back',
      'handed-back',
    ]);
    expect(dead).toEqual([]);
    expect((stops[0] as SluiceError).code).toBe('model_swapped');
  });

  test('a refusal of the known text is waited out, not held against the item', async () => {
    let refusals = 3;
    const { batcher, dead } = world({
      embed: async (items) => ({ vectors: items.map(() => (refusals > 0 ? null : Float32Array.of(1, 0))) }),
      async witnessEngine() {
        refusals -= 1;
        throw fail('engine_rejected');
      },
    });
    expect(await batcher.accept(createItem(job(0)))).toBe('stored');
    expect(dead).toEqual([]);
  });

  test('rows gather while more are at the engine, and wait for nobody when nothing is', async () => {
    const writes: number[] = [];
    const { promise: secondMayEnd, resolve: endSecond } = Promise.withResolvers<void>();
    const { batcher, requests } = world(
      {
        async embed(items) {
          requests.push(items);
          if (requests.length === 2) await secondMayEnd;
          return { vectors: items.map(() => Float32Array.of(1, 0)) };
        },
        async upsert(written) {
          writes.push(written.length);
        },
      },
      { gatherMs: 3_600_000 },
    );
    const outcomes = [0, 1].map((name) => batcher.accept(createItem(job(name, 1_000))));
    await expect.poll(() => requests.length).toBe(2);
    expect(writes).toEqual([]);
    endSecond();
    expect(await Promise.all(outcomes)).toEqual(['stored', 'stored']);
    expect(writes).toEqual([2]);
    // Alone, nothing can come: an hour is not waited.
    expect(await batcher.accept(createItem(job(2)))).toBe('stored');
  });

  test('a worker that closes writes what it has embedded', async () => {
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const { batcher, requests, rows } = world(
      {
        async embed(items) {
          requests.push(items);
          if (requests.length === 2) await mayEnd;
          return { vectors: items.map(() => Float32Array.of(1, 0)) };
        },
      },
      { gatherMs: 3_600_000 },
    );
    const outcomes = [0, 1].map((name) => batcher.accept(createItem(job(name, 1_000))));
    await expect.poll(() => requests.length).toBe(2);
    const closed = batcher.close(60_000);
    expect(await outcomes[0]).toBe('stored');
    end();
    await closed;
    expect(await outcomes[1]).toBe('stored');
    expect(rows.size).toBe(2);
  });

  test('a chunk that killed processes is embedded by itself, or dead, and its neighbours go on in company', async () => {
    const { batcher, dead, requests } = world();
    const items = Array.from({ length: 4 }, (_, name) => createItem(job(name)));
    items[1]!.suspicion = 'run alone';
    items[2]!.suspicion = 'poison';
    const outcomes = await Promise.all(items.map((item) => batcher.accept(item)));
    expect(outcomes).toEqual(['stored', 'stored', 'dead', 'stored']);
    expect(dead).toEqual(['doc-2 poison']);
    expect(requests.map((batch) => batch.map(({ job: { documentId } }) => documentId)).sort()).toEqual([
      ['doc-0', 'doc-3'],
      ['doc-1'],
    ]);
  });

  test('a ledger that knows nothing stops the line: nothing is written, nothing deleted', async () => {
    const { batcher, rows, stops } = world({
      fence: async (items) => items.map(() => ({ answer: 'unknown' as FenceAnswer, older: false })),
    });
    expect(await batcher.accept(createItem(job(0)))).toBe('handed-back');
    expect((stops[0] as SluiceError).code).toBe('ledger_lost');
    expect(rows.size).toBe(0);
  });

  test('an outage of each server in turn is waited out', async () => {
    const troubles: Record<string, number> = { fence: 3, embed: 3, upsert: 3, mark: 3 };
    const trouble = (name: string, code: ErrorCode) => {
      if (troubles[name]!-- > 0) throw fail(code);
    };
    const rows: WrittenItem[] = [];
    const { batcher } = world({
      async fence(items) {
        trouble('fence', 'queue_unreachable');
        return items.map(() => ({ answer: 'current' as FenceAnswer, older: false }));
      },
      async embed(items) {
        trouble('embed', 'engine_busy');
        return { vectors: items.map(() => Float32Array.of(1, 0)) };
      },
      async upsert(written) {
        trouble('upsert', 'store_unreachable');
        rows.push(...written);
      },
      async mark(written) {
        trouble('mark', 'queue_busy');
        return written.map(() => 'stored');
      },
    });
    expect(await batcher.accept(createItem(job(0)))).toBe('stored');
    expect(rows.length).toBe(1);
  });

  test('a held batcher lets its request finish and hands back everything else, until it is resumed', async () => {
    const begun = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const { batcher, requests } = world({
      async embed(items) {
        requests.push(items);
        begun.resolve();
        await answered.promise;
        return { vectors: items.map(() => Float32Array.of(1, 0)) };
      },
    });
    const first = batcher.accept(createItem(job(0, 1_000)));
    await begun.promise;
    const waiting = batcher.accept(createItem(job(1, 100)));
    batcher.hold();
    answered.resolve();
    expect(await first).toBe('stored');
    expect(await waiting).toBe('handed-back');
    expect(await batcher.accept(createItem(job(2, 100)))).toBe('handed-back');
    expect(requests.length).toBe(1);
    batcher.resume();
    expect(await batcher.accept(createItem(job(1, 100)))).toBe('stored');
  });

  test('closing hands back what is not in a request and lets requests finish', async () => {
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { batcher } = world({
      async embed(items) {
        begun.resolve();
        await release.promise;
        return { vectors: items.map(() => Float32Array.of(1, 0)) };
      },
    });
    const outcomes = Array.from({ length: 40 }, (_, name) => batcher.accept(createItem(job(name, 500))));
    await begun.promise;
    const closed = batcher.close(60_000);
    release.resolve();
    await closed;
    const counted = Map.groupBy(await Promise.all(outcomes), (outcome) => outcome);
    expect((counted.get('stored')?.length ?? 0) + (counted.get('handed-back')?.length ?? 0)).toBe(40);
    expect(counted.get('stored')!.length).toBeGreaterThan(0);
    expect(batcher.held).toBe(0);
  });
});
