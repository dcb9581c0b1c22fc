/** What makes a run of the engines fail. */
import { describe, expect, it, test } from 'vitest';
import type { EngineRow } from './engine-row.ts';
import { engineTable } from './engine-table.ts';
import { absent, failed, describe as words } from './judgement.ts';
import type { Measured } from './measure.ts';

const row: EngineRow = { name: 'an engine', profile: 'jina', expect: 'right', settings: {} };
const seen: Measured = {
  ...absent(row, '', '/'),
  seen: 'live',
  verdict: 'right',
  passage: 1,
  query: 0.99991,
};

describe('a row has failed', () => {
  it.each<[what: string, measured: Partial<Measured>, is: boolean]>([
    ['not when it is right', {}, false],
    [
      'not when the refusal is the expected one',
      { expected: 'wrong_pooling', code: 'wrong_pooling', verdict: 'wrong' },
      false,
    ],
    ['when another code refused it', { expected: 'wrong_pooling', code: 'wrong_model', verdict: 'wrong' }, true],
    ['when it should have been refused', { expected: 'wrong_pooling' }, true],
    ['when it is called right away from its golden vectors', { query: 0.9998 }, true],
    ['not when it is known to be imprecise', { expected: 'imprecise', query: 0.9988 }, false],
    ['when what is known to be imprecise is refused', { expected: 'imprecise', verdict: 'wrong' }, true],
    ['when it serves nothing', { passage: null, query: null }, true],
  ])('%s', (_, measured, is) => {
    expect(failed({ ...seen, ...measured })).toBe(is);
  });

  it('when it was not seen, whatever is expected of it', () => {
    const pip = new Error(
      'pip ended with 1 while it installed /home/me/sluice/x\nmore\nand more\nand what nobody reads',
    );
    for (const expected of ['right', 'wrong_pooling'] as const) {
      const measured = absent({ ...row, expect: expected }, pip, '/home/me/sluice/');
      expect(failed(measured)).toBe(true);
      expect(words(measured)).toBe('an engine: not seen, pip ended with 1 while it installed x more and more');
    }
  });
});

test('only what no package registry has may be replayed in place of a run', () => {
  const excused = new Set(engineTable.flatMap(({ name, needs }) => (needs === undefined ? [] : [name.split(' ')[0]])));
  expect([...excused].toSorted()).toEqual(['TEI', 'jina-on-prem']);
});
