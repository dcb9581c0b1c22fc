import { type ErrorCode, SluiceError } from '@sluice/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliver } from './deliver.ts';
import type { Item } from './item.ts';

const fail = (code: ErrorCode, retryAfterMs?: number) => new SluiceError(code, { message: code, retryAfterMs });
const item = (name: string) => ({ id: name, outcome: undefined }) as unknown as Item;
const names = (items: Item[]) => items.map(({ id }) => id).join('');

/** Runs a delivery in which time costs nothing; returns what was accepted, what died, and every request. */
async function run(
  letters: string,
  send: (names: string, request: number) => void,
  witness: (call: number) => void = () => undefined,
) {
  const accepted: string[] = [];
  const dead: string[] = [];
  const requests: string[] = [];
  const waits: number[] = [];
  let witnessed = 0;
  const attempts = new Map<string, number>();
  const items = [...letters].map(item);
  await deliver(items, {
    async send(batch) {
      requests.push(names(batch));
      send(names(batch), requests.length);
      accepted.push(...names(batch));
    },
    async witness() {
      witness(++witnessed);
    },
    async attempt({ id }) {
      attempts.set(id, (attempts.get(id) ?? 0) + 1);
      return attempts.get(id)!;
    },
    async dead({ id }, error) {
      dead.push(`${id}:${error.code}`);
    },
    onOutage: (_error, waitMs) => waits.push(waitMs),
    signal: new AbortController().signal,
    clock: { now: () => 0, monotonicMs: () => 0, sleep: async () => undefined },
  });
  return { accepted: accepted.join(''), dead, requests, waits, attempts };
}

describe('delivery by verdict', () => {
  test('one refused item is found by halving and dies alone', async () => {
    const { accepted, dead } = await run('abcdefgh', (batch) => {
      if (batch.includes('f')) throw fail('engine_rejected');
    });
    expect(accepted).toBe('abcdegh');
    expect(dead).toEqual(['f:engine_rejected']);
  });

  test('an outage repeats the same request, however long, uses no attempt and kills nothing', async () => {
    const { accepted, dead, requests, attempts } = await run('abc', (_batch, request) => {
      if (request <= 50) throw fail('engine_unreachable');
    });
    expect([accepted, dead, new Set(requests).size]).toEqual(['abc', [], 1]);
    expect(attempts.size).toBe(0);
  });

  test('Retry-After is obeyed', async () => {
    const { waits } = await run('a', (_batch, request) => {
      if (request === 1) throw fail('engine_busy', 90_000);
    });
    expect(waits).toEqual([90_000]);
  });

  test('too large is halved until it fits', async () => {
    const { accepted, dead } = await run('abcdefgh', (batch) => {
      if (batch.length > 3) throw fail('engine_too_large');
    });
    expect([accepted, dead]).toEqual(['abcdefgh', []]);
  });

  test('an unknown failure of one item takes five confirmed attempts', async () => {
    const { dead, requests } = await run('a', () => {
      throw fail('engine_failed');
    });
    expect([dead, requests.length]).toEqual([['a:engine_failed'], 5]);
  });

  test.each([
    ['a bad deploy that answers 400 to everything', 'engine_rejected'],
    ['an engine that answers 500 to everything', 'engine_failed'],
    ['65535 from a recovering Milvus', 'store_failed'],
  ] as const)('%s kills nothing: the witness fails too, and work goes on afterwards', async (_, code) => {
    let broken = true;
    const { accepted, dead } = await run(
      'abcd',
      () => {
        if (broken) throw fail(code);
      },
      (call) => {
        if (call < 20) throw fail(code);
        broken = false;
      },
    );
    expect([accepted, dead]).toEqual(['abcd', []]);
  });

  test('a configuration error stops at once', async () => {
    await expect(
      run('ab', () => {
        throw fail('engine_refused_key');
      }),
    ).rejects.toThrow(/engine_refused_key/);
  });

  test('whatever items are bad, exactly those die and every other one is accepted once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...'abcdefghijklmnop'), { minLength: 1 }),
        fc.subarray([...'abcdefghijklmnop']),
        async (all, bad) => {
          const { accepted, dead } = await run(all.join(''), (batch) => {
            if (bad.some((name) => batch.includes(name))) throw fail('engine_rejected');
          });
          expect([...accepted].sort()).toEqual(all.filter((name) => !bad.includes(name)).sort());
          expect(dead.map((entry) => entry[0]).sort()).toEqual(all.filter((name) => bad.includes(name)).sort());
        },
      ),
    );
  });
});
