/** Which sizes `sluice dims` compares: a line finds its own among them. */
import { loadConfig } from '@sluice/core';
import { expect, it } from 'vitest';
import { sizesOf } from './dims.ts';

const sizes = (engine: string, storedDimension: number, fullDimension: number) =>
  sizesOf(
    loadConfig([{ name: 'test', values: { SLUICE_ENGINE: engine, SLUICE_ENGINE_URL: 'http://127.0.0.1:1' } }]).config,
    { storedDimension, fullDimension },
  );

it('compares the trained sizes, the full one, and the one that the line stores', () => {
  expect(sizes('jina', 300, 1_024)).toEqual([32, 64, 128, 256, 300, 512, 768, 1_024]);
  expect(sizes('jina', 512, 1_024)).toEqual([32, 64, 128, 256, 512, 768, 1_024]);
  expect(sizes('modelled', 100, 128)).toContain(100);
});
