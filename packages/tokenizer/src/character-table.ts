/**
 * What the tokenizer must know of each character, computed once from the normalisation table, so that plain text never
 * touches that table again. One Uint16 per UTF-16 code unit, a bit set; replacements of single characters beside it.
 */
import type { Charsmap } from './charsmap.ts';
import { category, graphemeCategory } from './grapheme.ts';
import { sharedInt32, sharedUint16 } from './shared-array.ts';

export const trait = {
  /** Space, tab, line feed, carriage return: ends a word, whatever the normaliser makes of it. */
  space: 1,
  /** The normaliser replaces it (also: white space other than the four, which it leaves or replaces by a space). */
  mapped: 2,
  /** May be one grapheme with its neighbour: marks, joiners, prepended signs. */
  joins: 4,
  /** Half of a surrogate pair: look at the code point. */
  surrogate: 8,
  /** Begins an added token, for instance the `<` of `</s>`. */
  added: 16,
} as const;

export interface CharacterTable {
  /** Bits of `trait` by code unit. */
  readonly traits: Uint16Array;
  /** By code unit: 0 when not replaced, else 1 + index into `replacements`, where a length and that many code units lie. */
  readonly replaced: Int32Array;
  /** Code points above U+FFFF that are replaced, rising; `astralReplaced` beside it as `replaced`. */
  readonly astral: Int32Array;
  readonly astralReplaced: Int32Array;
  readonly replacements: Uint16Array;
}

const joining: readonly number[] = [category.extend, category.spacingMark, category.zwj, category.prepend];
const separators: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/** White_Space, the set that Rust's `char::is_whitespace` knows. */
export function isWhiteSpace(unit: number): boolean {
  return (
    (unit >= 0x09 && unit <= 0x0d) ||
    unit === 0x20 ||
    unit === 0x85 ||
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000
  );
}

/** True when a word may be looked at alone: separators stay white space and join nothing but a mark after a space. */
export function separatesWords(charsmap: Charsmap): boolean {
  const blank = (text: string) => text.length > 0 && [...text].every((c) => isWhiteSpace(c.charCodeAt(0)));
  for (const unit of separators) {
    const text = String.fromCharCode(unit);
    if (!blank(charsmap.replacement(Buffer.from(text)) ?? text)) return false;
  }
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (graphemeCategory(codePoint) !== category.prepend) continue;
    if (charsmap.replacement(Buffer.from(`${String.fromCodePoint(codePoint)} `)) !== undefined) return false;
  }
  return true;
}

export function buildCharacterTable(charsmap: Charsmap, addedTokens: readonly string[]): CharacterTable {
  const traits = new Uint16Array(65_536);
  const replaced = new Int32Array(65_536);
  const astral: number[] = [];
  const astralReplaced: number[] = [];
  const replacements: number[] = [];

  const store = (text: string) => {
    const at = replacements.length;
    replacements.push(text.length);
    for (let i = 0; i < text.length; i++) replacements.push(text.charCodeAt(i));
    return at + 1;
  };
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (codePoint === 0xd800) codePoint = 0xe000;
    const replacement = charsmap.replacement(utf8(codePoint));
    if (codePoint > 0xffff) {
      if (replacement === undefined) continue;
      astral.push(codePoint);
      astralReplaced.push(store(replacement));
    } else {
      if (replacement !== undefined) replaced[codePoint] = store(replacement);
      if (replacement !== undefined || isWhiteSpace(codePoint)) traits[codePoint]! |= trait.mapped;
      if (joining.includes(graphemeCategory(codePoint))) traits[codePoint]! |= trait.joins;
    }
  }
  for (let unit = 0xd800; unit < 0xe000; unit++) traits[unit] = trait.surrogate;
  for (const unit of separators) traits[unit] = trait.space;
  for (const token of addedTokens) traits[token.charCodeAt(0)]! |= trait.added;
  return {
    traits: sharedUint16(traits),
    replaced: sharedInt32(replaced),
    astral: sharedInt32(astral),
    astralReplaced: sharedInt32(astralReplaced),
    replacements: sharedUint16(replacements),
  };
}

const scratch = new Uint8Array(4);

/** UTF-8 of one code point; valid until the next call. */
function utf8(codePoint: number): Uint8Array {
  if (codePoint < 0x80) {
    scratch[0] = codePoint;
    return scratch.subarray(0, 1);
  }
  if (codePoint < 0x800) {
    scratch[0] = 0xc0 | (codePoint >> 6);
    scratch[1] = 0x80 | (codePoint & 63);
    return scratch.subarray(0, 2);
  }
  if (codePoint < 0x10000) {
    scratch[0] = 0xe0 | (codePoint >> 12);
    scratch[1] = 0x80 | ((codePoint >> 6) & 63);
    scratch[2] = 0x80 | (codePoint & 63);
    return scratch.subarray(0, 3);
  }
  scratch[0] = 0xf0 | (codePoint >> 18);
  scratch[1] = 0x80 | ((codePoint >> 12) & 63);
  scratch[2] = 0x80 | ((codePoint >> 6) & 63);
  scratch[3] = 0x80 | (codePoint & 63);
  return scratch;
}
