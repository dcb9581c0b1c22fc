import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pages } from './reference.ts';

test.each(Object.entries(pages))('%s is what the code says (node scripts/reference.ts writes it)', (path, render) => {
  expect(readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')).toBe(render());
});
