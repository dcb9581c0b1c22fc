import type { LiveWorker, WorkerLoad } from '@sluice/queue';
import { expect, test } from 'vitest';
import { createLoadWindow } from './load-window.ts';

function worker(id: string, requests: number, tenants: Record<string, number> = {}): LiveWorker {
  const load: WorkerLoad = {
    engine: {
      requests,
      texts: requests * 4,
      tokens: requests * 900,
      paddedTokens: requests * 1_000,
      ms: requests * 50,
    },
    maxPaddedTokens: 2_000,
    milvus: { requests, rows: requests * 4, ms: requests * 20 },
    tenants,
  };
  return { id, host: 'gpu', pid: 1, held: 0, beatAgoMs: 0, load };
}

test('two beats of each worker tell how the line goes', () => {
  const window = createLoadWindow();
  window.add([worker('a', 100, { acme: 1_000 }), worker('b', 0)], 0);
  window.add([worker('a', 120, { acme: 4_000 }), worker('b', 20, { globex: 1_000 })], 10_000);
  expect(window.flow(60_000)).toEqual({
    engine: {
      tokensPerSecond: 3_600,
      requestsPerSecond: 4,
      textsPerRequest: 4,
      fill: 0.5,
      padding: expect.closeTo(0.1),
      msPerRequest: 50,
    },
    milvus: { rowsPerSecond: 16, msPerRequest: 20 },
    tenants: [
      { tenant: 'acme', tokens: 3_000, share: 0.75 },
      { tenant: 'globex', tokens: 1_000, share: 0.25 },
    ],
  });
});

test('nothing is said of a line that did nothing, nor of a worker that was seen once', () => {
  const window = createLoadWindow();
  window.add([worker('a', 5)], 0);
  expect(window.flow(60_000)).toEqual({ tenants: [] });
  window.add([worker('a', 5)], 2_000);
  expect(window.flow(60_000)).toEqual({ tenants: [] });
});

test('what is older than asked for does not count, and a worker that is gone is forgotten', () => {
  const window = createLoadWindow();
  window.add([worker('a', 0), worker('gone', 0)], 0);
  window.add([worker('a', 1_000), worker('gone', 1_000)], 20_000);
  window.add([worker('a', 1_010)], 30_000);
  expect(window.flow(10_000).engine?.requestsPerSecond).toBe(1);
});

test('a worker of an earlier version, whose beat has no load, is no reason to fail', () => {
  const { load: _load, ...silent } = worker('old', 0);
  const window = createLoadWindow();
  window.add([silent], 0);
  window.add([silent], 2_000);
  expect(window.flow(60_000)).toEqual({ tenants: [] });
});

test('a tenant may be named like what every object has', () => {
  const window = createLoadWindow();
  window.add([worker('a', 1)], 0);
  window.add([worker('a', 2, { constructor: 500 } as unknown as Record<string, number>)], 10_000);
  expect(window.flow(60_000).tenants).toEqual([{ tenant: 'constructor', tokens: 500, share: 1 }]);
});
