import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  chunkId,
  contentHash,
  documentKey,
  parseChunkId,
  revisionFromHex,
  revisionHex,
} from './identity.ts';

const name = fc.record({
  line: fc.string(),
  tenant: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  id: fc.string(),
});

describe('identity', () => {
  test('two documents never share a key because their parts run together', () => {
    expect(documentKey({ line: 'ab', id: 'c' })).not.toBe(documentKey({ line: 'a', id: 'bc' }));
    expect(documentKey({ line: 'a', tenant: 'b', id: 'c' })).not.toBe(documentKey({ line: 'a', id: 'bc' }));
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(canonicalJson(a) !== canonicalJson(b));
        expect(documentKey(a)).not.toBe(documentKey(b));
      }),
    );
  });

  test('ids are hex whatever the user wrote, and parse back', () => {
    fc.assert(
      fc.property(name, fc.bigInt(1n, (1n << 52n) - 1n), fc.nat(15_999), (document, revision, ordinal) => {
        const key = documentKey(document);
        const id = chunkId(key, String(revision), ordinal);
        expect(id).toMatch(/^d[0-9a-f]{38}$/);
        expect(parseChunkId(id)).toEqual({ key, revision: String(revision), ordinal });
        expect(revisionFromHex(revisionHex(String(revision)))).toBe(String(revision));
      }),
    );
  });

  test('ids sort by document, revision, ordinal', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 1n << 50n),
        fc.bigInt(1n, 1n << 50n),
        fc.nat(15_999),
        fc.nat(15_999),
        (revisionA, revisionB, a, b) => {
          const [first, second] = [
            chunkId('d'.padEnd(21, '0'), String(revisionA), a),
            chunkId('d'.padEnd(21, '0'), String(revisionB), b),
          ];
          const order = revisionA === revisionB ? Math.sign(a - b) : revisionA < revisionB ? -1 : 1;
          expect(Math.sign(first < second ? -1 : first > second ? 1 : 0)).toBe(order);
        },
      ),
    );
  });

  test('a foreign id is refused', () => {
    expect(() => parseChunkId('x" or id != "')).toThrow(/malformed|chunk id/);
  });

  test('keys and hashes are those of every ledger and collection that is there', () => {
    expect(documentKey({ line: 'main', id: 'x' })).toBe('d085c1c35c1c3cb18d289');
    expect(documentKey({ line: 'main', tenant: 'đồng', id: 'a/ế😀.md' })).toBe('d9e9fa729f5d40cc9007e');
    expect(contentHash({ text: '', format: 'text', metadata: {} })).toBe('rWKbTC5FU28VgwqEPO2Vt8');
    const metadata = { b: [1, { z: 'é', a: null }], a: 'x' };
    const document = { text: 'Tiếng Việt 😀 \ud800x', format: 'markdown', title: 'T', metadata, tenant: 't' } as const;
    expect(contentHash(document)).toBe('aBkQ5p9GirG1t5fbg9gnvV');
  });

  test('NFC and NFD copies of a text are the same content; metadata and tenant are part of it', () => {
    const base = { format: 'text', metadata: {} } as const;
    expect(contentHash({ ...base, text: 'đồng bằng'.normalize('NFD') })).toBe(
      contentHash({ ...base, text: 'đồng bằng'.normalize('NFC') }),
    );
    expect(contentHash({ ...base, text: 'a', metadata: { x: 1, y: { b: 1, a: 2 } } })).toBe(
      contentHash({ ...base, text: 'a', metadata: { y: { a: 2, b: 1 }, x: 1 } }),
    );
    expect(contentHash({ ...base, text: 'a', metadata: { x: 1 } })).not.toBe(contentHash({ ...base, text: 'a' }));
    expect(contentHash({ ...base, text: 'a', tenant: 't' })).not.toBe(contentHash({ ...base, text: 'a' }));
  });
});
