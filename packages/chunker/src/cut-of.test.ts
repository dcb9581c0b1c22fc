/** The cut part of the fingerprint changes with everything that cuts otherwise, and with nothing else. */
import { type Cut, cutFingerprint } from '@sluice/core';
import { expect, it } from 'vitest';
import { chunkerVersion } from './chunker.ts';
import { cutOf } from './cut-of.ts';
import type { ChunkLimits } from './limits.ts';

const limits: ChunkLimits = {
  targetTokens: 2_048,
  maxTokens: 4_096,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 9,
};
const cut = cutOf({ name: 'xlm-roberta' }, limits);

it('names the chunker, the tokenizer, the limits and the heading switch', () => {
  expect(cut).toEqual({
    chunker: chunkerVersion,
    tokenizer: 'xlm-roberta',
    targetTokens: 2_048,
    maxTokens: 4_096,
    overlapTokens: 0,
    headings: true,
  });
});

it.each<[keyof Cut, Cut]>([
  ['chunker', { ...cut, chunker: `${chunkerVersion}.1` }],
  ['tokenizer', cutOf({ name: 'sha256:0123456789ab' }, limits)],
  ['targetTokens', cutOf({ name: 'xlm-roberta' }, { ...limits, targetTokens: 2_047 })],
  ['maxTokens', cutOf({ name: 'xlm-roberta' }, { ...limits, maxTokens: 4_095 })],
  ['overlapTokens', cutOf({ name: 'xlm-roberta' }, { ...limits, overlapTokens: 1 })],
  ['headings', cutOf({ name: 'xlm-roberta' }, { ...limits, headings: false })],
])('is another one with another %s', (field, other) => {
  expect(Object.keys(cut).filter((name) => other[name as keyof Cut] !== cut[name as keyof Cut])).toEqual([field]);
  expect(cutFingerprint(other)).not.toBe(cutFingerprint(cut));
  expect(cutFingerprint({ ...other, [field]: cut[field] })).toBe(cutFingerprint(cut));
});
