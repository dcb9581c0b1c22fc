import { stripVTControlCharacters } from 'node:util';
import type { QueryHit } from '@sluice/line';
import { expect, test } from 'vitest';
import { renderHits } from './hits.ts';

const hit = (text: string): QueryHit => ({
  rank: 1,
  score: 0.5,
  docId: 'docs/a.md',
  revision: '1',
  ordinal: 0,
  start: 0,
  end: 1,
  heading: ['One', 'Two'],
  text,
});

test('a hit fits the terminal, wide characters counted as two', () => {
  const lines = stripVTControlCharacters(
    renderHits([hit('學而時習之不亦說乎有朋自遠方來'.repeat(40)), hit('word '.repeat(300))], 60),
  ).split('\n');
  expect(lines.length).toBe(6);
  for (const line of lines.filter((found) => found.startsWith('    '))) {
    expect([...line].reduce((sum, character) => sum + (character > '\u2e80' ? 2 : 1), 0)).toBeLessThanOrEqual(60);
  }
});

test('what came from a document cannot steer the terminal', () => {
  const shown = renderHits([{ ...hit('before \u001b[31m\u202eafter'), docId: 'a\u0007' }]);
  for (const forbidden of ['\u001b[31m', '\u202e', '\u0007']) expect(shown).not.toContain(forbidden);
});
