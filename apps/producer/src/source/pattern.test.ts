import { expect, test } from 'vitest';
import { createPattern } from './pattern.ts';

test.each([
  ['*.md', ['a.md'], ['sub/a.md', 'a.txt'], [], ['sub']],
  ['docs/*/x-*.md', ['docs/a/x-1.md'], ['docs/x-1.md'], ['docs', 'docs/a'], ['other', 'docs/a/b']],
  ['**/*.md', ['a.md', 'deep/er/a.md'], ['a.txt'], ['any', 'any/where'], []],
  ['docs/**/guide/*.md', ['docs/guide/a.md', 'docs/x/guide/a.md'], ['guide/a.md'], ['docs/x'], ['x']],
  ['{docs,notes/old}/*.md', ['notes/old/a.md', 'docs/a.md'], ['notes/a.md'], ['notes', 'docs'], []],
])('%s matches files, and enters only folders in which a match can lie', (pattern, yes, no, entered, left) => {
  const { matches, enters } = createPattern(pattern);
  expect([yes.map(matches), no.map(matches)]).toEqual([yes.map(() => true), no.map(() => false)]);
  expect([entered.map(enters), left.map(enters)]).toEqual([entered.map(() => true), left.map(() => false)]);
});
