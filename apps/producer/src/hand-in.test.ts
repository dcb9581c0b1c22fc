import type { ChunkerPool, CutDocument } from '@sluice/chunker';
import { SluiceError, type SourceDocument, systemClock } from '@sluice/core';
import { expect, test } from 'vitest';
import { createHandIn, type HandInOptions } from './hand-in.ts';
import type { ItemFault } from './source/item.ts';

/** A line that takes everything, and remembers what was accepted. */
function openLine(missing: (count: number) => number[] = (count) => [...Array(count).keys()]) {
  const accepted: string[] = [];
  const ids = new Map<string, string>();
  const line = {
    name: 'main',
    address: { epoch: 'e' },
    proveLedger: async () => undefined,
    admission: { wait: async () => undefined },
    queue: { add: async () => undefined },
    ledger: {
      compare: async (items: unknown[]) => items.map(() => ({ answer: 'new' })),
      prepare: async (items: { key: string; id: string; chunkCount: number }[]) =>
        items.map(({ key, id, chunkCount }) => {
          ids.set(key, id);
          return { revision: '1', generation: 0, tag: 0, missing: missing(chunkCount) };
        }),
      async commit(items: { key: string }[]) {
        accepted.push(...items.map(({ key }) => ids.get(key)!));
        return items.map(() => 'current');
      },
    },
  };
  return { accepted, line: line as unknown as HandInOptions['line'] };
}

const chunk = (ordinal: number) => ({
  ordinal,
  start: 0,
  end: 1,
  text: 'x',
  heading: [],
  tokens: { text: 10, special: 0, instruction: 0 },
});
const cutInto = (count: number) =>
  ({ source: 'x', chunks: [...Array(count).keys()].map(chunk) }) as unknown as CutDocument;

async function handIn(
  ids: string[],
  cut: (document: SourceDocument) => Promise<CutDocument>,
  { line, accepted } = openLine(),
) {
  const rejected: ItemFault[] = [];
  let tokens = 0;
  const handing = createHandIn({
    line,
    // The pool is given whole documents here.
    pool: { threads: 1, cut } as unknown as ChunkerPool,
    cutId: 'cut',
    run: 'r1',
    producer: 'p',
    recut: false,
    signal: new AbortController().signal,
    waiting: { signal: new AbortController().signal, clock: systemClock, onOutage: () => undefined, unknownTries: 2 },
    onCounts: (counts) => {
      tokens += counts.tokens;
    },
    onCursor: () => undefined,
    onRejected: (fault) => rejected.push(fault),
    onSkipped: () => undefined,
    onWaiting: () => undefined,
  });
  for (const id of ids) await handing.add({ id, text: id, format: 'text', metadata: {} }, `${id}.txt`, 1);
  await handing.finish();
  return { accepted, rejected, tokens };
}

test('a document that kills its thread, and one that the chunker fails on, cost only themselves', async () => {
  const { accepted, rejected } = await handIn(['a', 'kills', 'breaks', 'b'], async ({ text }) => {
    if (text === 'kills')
      throw new SluiceError('chunker_died', { message: 'A thread died while it cut this document' });
    if (text === 'breaks') throw new TypeError('the secret text of the document');
    return cutInto(1);
  });
  expect(accepted).toEqual(['a', 'b']);
  expect(rejected.map(({ where, code }) => [where, code])).toEqual([
    ['kills.txt', 'chunker_died'],
    ['breaks.txt', 'chunker_failed'],
  ]);
  expect(JSON.stringify(rejected)).not.toContain('secret');
});

test('what is no document’s fault ends the run', async () => {
  const wrong = new SluiceError('bad_configuration', { message: 'wrong limits' });
  await expect(handIn(['a'], () => Promise.reject(wrong))).rejects.toBe(wrong);
});

test('tokens that an earlier run has stored are not waited for', async () => {
  const stored = openLine(() => [2]);
  expect((await handIn(['a'], async () => cutInto(3), stored)).tokens).toBe(10);
});
