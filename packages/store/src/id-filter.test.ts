import { chunkId } from '@sluice/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyHash, anyId, grouped, inRange, ofTenant, prefixRange } from './id-filter.ts';

const id = chunkId(`d${'0'.repeat(20)}`, '1', 0);

test('only ids and hashes of our own form enter a filter', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!/^d[0-9a-z]{0,40}$/.test(text)) expect(() => anyId([text])).toThrow();
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(text)) expect(() => anyHash([text])).toThrow();
    }),
  );
  expect(() => inRange({ from: id, to: `${id}" or id != "` })).toThrow();
});

test('a tenant is one string literal, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (tenant) => {
      const literal = ofTenant(tenant).slice('tenant == '.length);
      expect(JSON.parse(literal)).toBe(tenant);
    }),
  );
});

test("a prefix's range holds the ids that start with it and no others", () => {
  const hex = fc.stringMatching(/^[0-9a-f]{20}$/);
  fc.assert(
    fc.property(
      hex,
      hex,
      fc.integer({ min: 1, max: 2 ** 51 }),
      fc.integer({ min: 0, max: 15_999 }),
      (a, b, revision, ordinal) => {
        const { from, to } = prefixRange(`d${a}`);
        const within = (key: string) => {
          const candidate = chunkId(key, String(revision), ordinal);
          return candidate >= from && candidate < to;
        };
        expect(within(`d${a}`)).toBe(true);
        expect(within(`d${b}`)).toBe(a === b);
      },
    ),
  );
});

test('groups hold everything once, in order, none too large', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 10 }), (items, size) => {
      const groups = grouped(items, size);
      expect(groups.flat()).toEqual(items);
      expect(groups.every((group) => group.length > 0 && group.length <= size)).toBe(true);
    }),
  );
});
