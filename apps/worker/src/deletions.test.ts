import { silentLogger, systemClock } from '@sluice/core';
import type { IdSpan } from '@sluice/queue';
import { expect, test } from 'vitest';
import { createDeletions } from './deletions.ts';

const REMEMBERED_MS = 900_000;
const MINUTE_MS = 60_000;

/** A ledger's memory that several workers share and that forgets, a Milvus, and a clock that stands where it is put. */
function world() {
  let now = 1_000;
  let noted: (IdSpan & { at: number })[] = [];
  let keptAt = Number.NEGATIVE_INFINITY;
  let repeatedAt: number | undefined;
  const deleted: string[] = [];
  let away = false;
  const clock = { ...systemClock, monotonicMs: () => now };
  const ledger = {
    async noteDeletions(spans: readonly IdSpan[]) {
      noted = [...noted, ...spans.map((span) => ({ ...span, at: now }))];
    },
    lateDeletions: async () => noted.map(({ from, to }) => ({ from, to })),
    async keepDeletions() {
      keptAt = now;
    },
    async forgetDeletions() {
      if (keptAt <= now - REMEMBERED_MS) noted = noted.filter(({ at }) => at > now - REMEMBERED_MS);
    },
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
    noted: () => noted.map(({ from, to }) => ({ from, to })),
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

test('a Milvus that is away for longer than notes are kept still gets what it had forgotten', async () => {
  const { worker, deleted, noted, pass, become } = world();
  const [one, idle] = [worker(), worker()];
  await one.repeat();
  await idle.repeat();
  await one.ranges([{ from: 'da', to: 'db' }]);
  deleted();
  become('away');
  for (let minute = 0; minute < 16; minute += 1) {
    pass(MINUTE_MS);
    one.storeWasAway();
    await expect(one.repeat()).rejects.toThrow('away');
    // One that has sent nothing meanwhile has noticed nothing, and its round comes all the same.
    await idle.repeat();
  }
  become('back');
  await one.repeat();
  expect(deleted()).toEqual(['da…db']);
  // What was deleted again has to outlive the next crash as well.
  for (let minute = 0; minute < 14; minute += 1) {
    pass(MINUTE_MS);
    await one.repeat();
  }
  await worker().repeat();
  expect(noted()).toEqual([{ from: 'da', to: 'db' }]);
  pass(MINUTE_MS);
  await one.repeat();
  expect([noted(), deleted()]).toEqual([[], ['da…db']]);
});

test('what nobody needs is forgotten although nothing more is deleted, also where no worker lives for long', async () => {
  const { worker, deleted, noted, pass } = world();
  await worker().ranges([{ from: 'da', to: 'db' }]);
  pass(REMEMBERED_MS);
  deleted();
  await worker().repeat();
  expect([deleted(), noted()]).toEqual([['da…db'], []]);
});

test('workers that start at the same time delete again once, not each', async () => {
  const { worker, deleted, pass } = world();
  const one = worker();
  await one.ranges([{ from: 'da', to: 'db' }]);
  await one.repeat();
  pass(10_000);
  deleted();
  await worker().repeat();
  expect(deleted()).toEqual([]);
  pass(5_000);
  await worker().repeat();
  expect(deleted()).toEqual(['da…db']);
});

test('a worker that was stopped for a while has seen nothing: it deletes again before it forgets', async () => {
  const { worker, deleted, noted, pass } = world();
  const one = worker();
  await one.repeat();
  await one.ranges([{ from: 'da', to: 'db' }]);
  deleted();
  pass(REMEMBERED_MS);
  await one.repeat();
  expect([deleted(), noted()]).toEqual([['da…db'], []]);
});
