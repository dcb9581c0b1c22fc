/** A reply read with its long strings left out is the reply that JSON.parse reads. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReply, type ReplyJson } from './reply-json.ts';

const read = (text: string) => whole(parseReply(Buffer.from(text, 'latin1')));

function whole({ value, text }: ReplyJson): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((item) => whole({ value: item, text }));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [text(name), whole({ value: item, text })]));
}

const words = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '/', ':', ',', '{', ']') }),
  fc.integer({ min: 250, max: 600 }).map((length) => 'A'.repeat(length)),
  fc.integer({ min: 250, max: 600 }).map((length) => `${'A'.repeat(length)}"\\`),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    words,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.array(fc.tuple(words, tie('json')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

describe('a reply', () => {
  it('is what JSON.parse reads, whatever is in its strings', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = Buffer.from(JSON.stringify(value, null, indent), 'utf8').toString('latin1');
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('is refused where JSON.parse refuses it', () => {
    const long = 'A'.repeat(5_464);
    for (const text of [
      '',
      '{',
      `["${long}`,
      `["${long}" "b"]`,
      `["${long}"`,
      `{"${long}" 1}`,
      '<html "a">',
      '"a" "b"',
    ]) {
      expect(() => read(text), text.slice(0, 20)).toThrow('that are not');
    }
  });

  it('may have a long name of a field, and bare NaN beside long strings', () => {
    const long = 'A'.repeat(5_464);
    expect(read(`{"${long}":1}`)).toEqual({ [long]: 1 });
    expect(read(`["${long}", NaN, -Infinity, [NaN]]`)).toEqual([long, null, null, [null]]);
    // Inside a string it is text, long or not.
    expect(read(`["a, NaN, b", "${long}, NaN, "]`)).toEqual(['a, NaN, b', `${long}, NaN, `]);
  });

  it('cannot name a string that is elsewhere', () => {
    const long = 'A'.repeat(5_464);
    expect(read(`["${long}", "0", " 0", "\\u0000 0"]`)).toEqual([long, '0', ' 0', '\u0000 0']);
  });
});
