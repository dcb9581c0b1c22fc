/** `reconcileLine` on a real ledger while producers go on: nobody hands in to a ledger in which documents are missing yet. */
import { chunkId, type Revision } from '@sluice/core';
import { type ReconcileOptions, reconcileLine } from '@sluice/line';
import { openLedger } from '@sluice/queue';
import type { HeadPage, RowHead, Store } from '@sluice/store';
import { expect, test } from 'vitest';
import { ownRedis } from '../support/own-redis.ts';
import { CUT, createWorld, hashOf } from './world.ts';

const own = ownRedis();

/** More than one group of documents. */
const IDS = Array.from({ length: 150 }, (_, i) => `d${i}`);

function options(changes: Partial<ReconcileOptions> = {}): ReconcileOptions {
  return {
    cutId: CUT,
    prune: false,
    onLeftover: () => undefined,
    onWorkers: () => undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

async function lostLine() {
  const world = createWorld(own.valkey.url, { redis: own.redis, shards: 2 });
  const { ledger, address } = world;
  const revisions = new Map<string, Revision>();
  for (const id of IDS) revisions.set(id, (await world.handIn(id, 'A', { n: 1 })).revision);
  await world.workAll();
  const live = openLedger(own.redis, address);
  live.holdTo((await ledger.births()) as string[]);
  const heads = IDS.map((id): RowHead => {
    const rev = revisions.get(id)!;
    return {
      id: chunkId(world.key(id), rev, 0),
      doc_id: id,
      rev,
      ordinal: 0,
      chunk_count: 1,
      doc_hash: 'A'.repeat(22),
    };
  }).sort((a, b) => (a.id < b.id ? -1 : 1));
  await own.redis.flushall();
  /** Told when the first hundred documents are on record. */
  let halfway: () => Promise<void> = async () => undefined;
  const store = {
    async *rowHeads(): AsyncIterable<HeadPage> {
      yield { rows: heads.slice(0, 120), doubled: [] };
      await halfway();
      yield { rows: heads.slice(120), doubled: [] };
    },
    documentIds: async (_: string, keys: readonly string[]) => new Map(keys.map((key) => [key, { id: key }])),
    async deleteRanges() {
      throw new Error('nothing is to be deleted');
    },
  } as unknown as Store;
  const line = { name: address.line, info: { collection: 'c' } as never, ledger, store, redis: own.redis, address };
  const prepare = (who: typeof ledger, id: string) =>
    who.prepare([
      { key: world.key(id), id, hash: hashOf('B'), cut: CUT, chunkCount: 1, tokens: [1], producer: 'late' },
    ]);
  return {
    world,
    line,
    live,
    prepare,
    highest: [...revisions.values()].at(-1)!,
    whileReading(act: () => Promise<void>) {
      halfway = act;
    },
  };
}

test('a ledger that is made again is born when every document is on record: before that nobody hands in', async () => {
  const { world, line, live, prepare, highest, whileReading } = await lostLine();
  whileReading(async () => {
    expect((await world.ledger.counts()).stored).toBeGreaterThan(0);
    // What a process that starts now goes by, and what one that has lived through the loss is told.
    expect(await world.ledger.births()).toEqual([undefined, undefined]);
    await expect(prepare(live, IDS.at(-1)!)).rejects.toMatchObject({ code: 'ledger_lost' });
  });
  world.advance(-3_600_000);
  expect(await reconcileLine(line, options())).toMatchObject({ documents: 150, whole: 150, adopted: 150, left: 0 });
  const births = await world.ledger.births();
  expect(births).not.toContain(undefined);
  await expect(prepare(live, IDS[0]!)).rejects.toMatchObject({ code: 'ledger_lost' });
  live.holdTo(births as string[]);
  const [next] = await prepare(live, IDS[0]!);
  expect(BigInt(next!.revision)).toBeGreaterThan(BigInt(highest));
  // The older rows of whatever is handed in now are known, and go.
  for (const id of IDS) await world.handIn(id, 'B', { n: 1 });
  await world.workAll();
  await world.settle();
  for (const id of IDS) expect(world.allRowsOf(id)).toHaveLength(1);
});

test('one that is cut short leaves a ledger to which nobody hands in, and the next one finishes it', async () => {
  const { world, line, whileReading } = await lostLine();
  const stopping = new AbortController();
  whileReading(async () => stopping.abort(new Error('stopped')));
  await expect(reconcileLine(line, options({ signal: stopping.signal }))).rejects.toThrow('stopped');
  expect(await world.ledger.births()).toEqual([undefined, undefined]);
  whileReading(async () => undefined);
  expect(await reconcileLine(line, options())).toMatchObject({ whole: 150 });
  expect(await world.ledger.births()).not.toContain(undefined);
  expect(await world.ledger.paused()).toBeUndefined();
});

test('a Redis that is lost once more while the ledger is made again does not end as a ledger that is whole', async () => {
  const { world, line, whileReading } = await lostLine();
  whileReading(async () => void (await own.redis.flushall()));
  await expect(reconcileLine(line, options())).rejects.toMatchObject({ code: 'line_busy' });
  expect(await world.ledger.births()).toEqual([undefined, undefined]);
});
