import { expect, it } from 'vitest';
import { createForecast, JOB_BYTES, rowBytesBesideText } from './forecast.ts';

const options = {
  maxPaddedTokens: 8_000,
  maxRows: 32,
  window: 8,
  backlogTokens: 40_000,
  dimensions: [256, 1_024],
  rate: { tokensPerSecond: 40_000, requestMs: 10 },
};

it('fills requests as the worker will, and adds up engine time, rows and backlog', () => {
  const forecast = createForecast(options);
  for (let i = 0; i < 40; i++) forecast.add({ tokens: i % 2 === 0 ? 2_000 : 1_000, textBytes: 4_000, rowBytes: 4_200 });
  const found = forecast.finish({ documents: 10, cutSeconds: 0.5 });
  // Alike lengths go together: 20 long ones in fours, 20 short ones in eights and fewer.
  expect(found.requests).toBeGreaterThanOrEqual(8);
  expect(found.requests).toBeLessThanOrEqual(12);
  expect(found.paddingShare).toBeLessThan(0.1);
  expect(found.engineSeconds).toBeCloseTo(found.paddedTokens / 40_000 + found.requests * 0.01);
  expect(found.finishSeconds).toBeGreaterThan(found.engineSeconds!);
  expect(found.milvusBytes).toEqual([
    { dimension: 256, bytes: 40 * (4_200 + 1_024) },
    { dimension: 1_024, bytes: 40 * (4_200 + 4_096) },
  ]);
  // 60,000 tokens in all, of which 32,000 wait at a time: bulk work stops at four fifths of the mark.
  expect(found.redisPeakBytes).toBe(Math.round((32 / 60) * 40 * (4_000 + JOB_BYTES) + 10 * 150));
});

it('says no time where the engine is not known, and nothing of nothing', () => {
  const found = createForecast({ ...options, rate: undefined }).finish({ documents: 0, cutSeconds: 0 });
  expect(found).toEqual({
    requests: 0,
    paddedTokens: 0,
    paddingShare: 0,
    milvusBytes: [
      { dimension: 256, bytes: 0 },
      { dimension: 1_024, bytes: 0 },
    ],
    redisPeakBytes: 0,
  });
});

it('counts what a row holds beside text and vector, the heading in its metadata included', () => {
  const document = { id: 'docs/a.md', metadata: { lang: 'en' } };
  const bare = rowBytesBesideText(document, []);
  expect(bare).toBeGreaterThan('docs/a.md'.length + '{"lang":"en"}'.length);
  expect(rowBytesBesideText(document, ['Sluice', 'Gate']) - bare).toBe('"heading":["Sluice","Gate"],'.length);
  // A document's own key of that name is what is stored.
  const own = { ...document, metadata: { heading: 'mine' } };
  expect(rowBytesBesideText(own, ['Sluice'])).toBe(rowBytesBesideText(own, []));
});
