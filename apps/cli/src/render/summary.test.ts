import { stripVTControlCharacters } from 'node:util';
import type { IngestSummary } from '@sluice/producer';
import { expect, test } from 'vitest';
import { renderSummary } from './summary.ts';

const documents = {
  read: 1,
  unchanged: 0,
  skipped: 0,
  accepted: 1,
  stored: 1,
  superseded: 0,
  partial: 0,
  deleted: 0,
  rejected: 0,
};
const summary: IngestSummary = {
  type: 'summary',
  run: 'r1',
  line: 'demo',
  documents,
  // `stored` holds the reused ones.
  chunks: { accepted: 300, stored: 300, reused: 299, dead: 0 },
  tokens: { useful: 2_000, padded: 2_000 },
  engineRequests: 1,
  rejectedByCode: {},
  seconds: 2,
  exitCode: 0,
};
const shown = (changes: Partial<IngestSummary>, options: Parameters<typeof renderSummary>[1]) =>
  stripVTControlCharacters(renderSummary({ ...summary, ...changes }, options));

test('of 300 chunks with 299 reused one was embedded', () => {
  expect(shown({}, { waited: true })).toMatch(/stored +1 +1 chunks embedded, 299 reused/);
});

test('what to type next can be typed in a clone, and is left to the caller who knows better', () => {
  expect(shown({}, { waited: true })).toContain('npx sluice query --line demo');
  expect(shown({}, { waited: false })).toContain('npx sluice status --line demo');
  expect(shown({ exitCode: 3 }, { waited: true })).toContain('npx sluice runs show r1 --rejected');
  expect(shown({}, { waited: true, next: false })).not.toContain('Next');
});
