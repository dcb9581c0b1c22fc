import { silentLogger, systemClock } from '@sluice/core';
import type { IdSpan } from '@sluice/queue';
import { expect, test } from 'vitest';
import { createDeletions } from './deletions.ts';

/** A ledger's memory that several workers share, a Milvus that forgets, and a clock that stands where it is put. */
function world() {
  let now = 1_000;
  let noted: IdSpan[] = [];
  let repeatedAt: number | undefined;
  const deleted: string[] = [];
  let away = false;
  const clock = { ...systemClock, monotonicMs: () => now };
  const ledger = {
    async noteDeletions(spans: readonly IdSpan[]) {
      noted = [...noted, ...spans];
    },
    lateDeletions: async () => noted,
    deletionsRepeatedAgo: async () => (repeatedAt === undefined ? undefined : now - repeatedAt),
    async deletionsRepeated(beganAgoMs: number) {
      repeatedAt = now - beganAgoMs;
    },
  };
  const store = {
    async witness() {
      if (away) throw new Error('away');
    },
    async deleteRanges(_: string, spans: readonly IdSpan[]) {
      if (away) throw new Error('away');
      deleted.push(...spans.map(({ from, to }) => `${from}…${to}`));
    },
    deleteKeys: async (_: string, ids: readonly string[]) => void deleted.push(...ids),
  };
  const worker = () => createDeletions({ ledger, store, collection: 'c', clock, logger: silentLogger });
  return {
    worker,
    noted: () => noted,
    deleted: () => deleted.splice(0),
    pass(ms: number) {
      now += ms;
    },
    become(what: 'away' | 'back') {
      away = what === 'away';
    },
  };
}

test('what was deleted is deleted again after Milvus was away, by one worker, once', async () => {
  const { worker, deleted, pass, become } = world();
  const [one, two] = [worker(), worker()];
  await one.repeat();
  await one.ranges([{ from: 'da', to: 'db' }]);
  await two.keys(['dc1']);
  expect(deleted()).toEqual(['da…db', 'dc1']);
  pass(1_000);
  await one.repeat();
  expect(deleted()).toEqual([]);

  become('away');
  one.storeWasAway();
  pass(5_000);
  two.storeWasAway();
  await expect(one.repeat()).rejects.toThrow('away');
  become('back');
  pass(1_000);
  await one.repeat();
  expect(deleted()).toEqual(['da…db', 'dc1…dc1g']);
  pass(1_000);
  await two.repeat();
  await one.repeat();
  expect(deleted()).toEqual([]);
});

test('an absence that nobody had noticed when the others were repeated is a reason to repeat', async () => {
  const { worker, deleted, pass } = world();
  const [one, two] = [worker(), worker()];
  await one.ranges([{ from: 'da', to: 'db' }]);
  await one.repeat();
  pass(10_000);
  two.storeWasAway();
  deleted();
  await two.repeat();
  expect(deleted()).toEqual(['da…db']);
});

test('it is noted before it is deleted, so that a worker that dies in between leaves it to others', async () => {
  const { worker, noted, become } = world();
  become('away');
  await expect(worker().ranges([{ from: 'da', to: 'db' }])).rejects.toThrow('away');
  expect(noted()).toEqual([{ from: 'da', to: 'db' }]);
});
