import { contentHash, documentKey } from '@sluice/core';
import { expect, test } from 'vitest';
import { createSeenDocuments } from './seen-documents.ts';

const key = (id: string) => documentKey({ line: 'main', id });
const hash = (text: string) => contentHash({ text, format: 'text', metadata: {} });

test('an id that comes again is the same or different, by its content', () => {
  const seen = createSeenDocuments();
  expect([
    seen.meet(key('a'), hash('1')),
    seen.meet(key('a'), hash('1')),
    seen.meet(key('a'), hash('2')),
    seen.meet(key('b'), hash('1')),
  ]).toEqual(['first', 'same', 'different', 'first']);
});

test('an id is still known half a million documents later, in fixed memory', () => {
  const seen = createSeenDocuments();
  const hex = (i: number) => `d${i.toString(16).padStart(8, '0')}${(i * 7).toString(16).padStart(12, '0')}`;
  const content = hash('x');
  for (let i = 1; i <= 1_200_000; i++) seen.meet(hex(i), content);
  expect(seen.meet(hex(1_200_000 - 524_287), content)).toBe('same');
});
