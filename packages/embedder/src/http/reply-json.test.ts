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
  fc.integer({ min: 250, max: 600 }).map((length) => 'A+b/'.repeat(length / 4)),
  fc.integer({ min: 250, max: 600 }).map((length) => `${'A'.repeat(length)}"\\`),
);
/** The same JSON as other libraries write it: PHP escapes slashes, .NET what HTML minds, and any character may be. */
const spellings: ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replaceAll('/', '\\/'),
  (text) => text.replaceAll(/(?<!e)[+/&<>']/g, unicode), // not the plus of 1e+21
  (text) => text.replaceAll(/AAA/g, `AA${unicode('A')}`),
];
function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

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
      fc.property(json, fc.constantFrom(undefined, 2), fc.constantFrom(...spellings), (value, indent, spell) => {
        const text = Buffer.from(spell(JSON.stringify(value, null, indent)), 'utf8').toString('latin1');
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

  it.each(['\\/', '\\u002B', '\\u002b', '\\t'])('may have %s in a long string', (spelling) => {
    const text = `{"data": ["${'A'.repeat(300)}${spelling}${'A'.repeat(5)}", "${'B'.repeat(400)}"], "short": "${spelling}"}`;
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it('cannot name a string that is elsewhere', () => {
    const long = 'A'.repeat(5_464);
    expect(read(`["${long}", "0", " 0", "\\u0000 0"]`)).toEqual([long, '0', ' 0', '\u0000 0']);
  });
});
