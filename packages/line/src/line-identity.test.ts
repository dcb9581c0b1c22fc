import { expect, test } from 'vitest';
import { createLineIdentity } from './line-identity.ts';

/** A ledger of four shards and a collection that says how many rows it has under which prefixes of ids. */
function world(births: (string | undefined)[], rowsUnder: Record<string, number> = {}) {
  const held: (readonly string[])[] = [];
  const asked: (readonly string[])[] = [];
  const ledger = {
    births: async () => [...births],
    async begin() {
      for (const shard of births.keys()) births[shard] ??= `begun-${shard}`;
    },
    holdTo: (now: readonly string[]) => void held.push(now),
  };
  const store = {
    describeLine: async () => undefined,
    async countRows(_: string, prefixes: readonly string[] = []) {
      asked.push(prefixes);
      const counted = Object.entries(rowsUnder).filter(
        ([prefix]) => prefixes.length === 0 || prefixes.includes(prefix),
      );
      return counted.reduce((sum, [, rows]) => sum + rows, 0);
    },
  };
  const info = { line: 'main', epoch: 'e', collection: 'c', shards: 4 };
  return { identity: createLineIdentity({ store, info, ledger }), births, held, asked };
}

test('a line without rows begins a ledger, and what is handed in is tied to it', async () => {
  const { identity, births, held } = world([undefined, undefined, undefined, undefined]);
  await identity.holdLedger();
  expect(held).toEqual([births]);
  await identity.proveLedger();
});

test('a ledger that is there costs no look at the collection', async () => {
  const { identity, held, asked } = world(['a', 'b', 'c', 'd'], { d0: 7 });
  await identity.holdLedger();
  expect([held, asked]).toEqual([[['a', 'b', 'c', 'd']], []]);
});

test('rows under an empty ledger: lost, and nothing begins', async () => {
  const { identity, births, held } = world([undefined, undefined, undefined, undefined], { d3: 7 });
  await expect(identity.holdLedger()).rejects.toMatchObject({ code: 'ledger_lost' });
  expect([births.every((birth) => birth === undefined), held]).toEqual([true, []]);
});

test('one shard of several was lost: noticed by its own rows, and not by those of the others', async () => {
  const lost = world(['a', undefined, 'c', 'd'], { d0: 7, d5: 1 });
  await expect(lost.identity.holdLedger()).rejects.toMatchObject({ code: 'ledger_lost', where: 'line main, shard 1' });
  expect(lost.asked).toEqual([['d1', 'd5', 'd9', 'dd']]);
  const empty = world(['a', undefined, 'c', 'd'], { d0: 7, d2: 1 });
  await empty.identity.holdLedger();
  expect(empty.held).toEqual([['a', 'begun-1', 'c', 'd']]);
});

test('another birth, or none, in the place of one that was held is a lost ledger', async () => {
  const { identity, births } = world(['a', 'b', 'c', 'd']);
  await identity.holdLedger();
  births[2] = 'z';
  await expect(identity.proveLedger()).rejects.toMatchObject({ code: 'ledger_lost', where: 'line main, shard 2' });
  births[2] = undefined;
  await expect(identity.proveLedger()).rejects.toMatchObject({ code: 'ledger_lost' });
});
