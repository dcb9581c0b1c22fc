/**
 * From a word to the unigram model's pieces: normalise, split at white space, put ▁ before each word (Metaspace). Receives
 * any text between two separators, or a mark with the space before it; a sink receives each piece unit by unit.
 *
 * Graphemes matter only where a cluster of several characters is shorter than six bytes (the reference replaces such a
 * cluster as one); everything else is character by character, which is the fast way.
 */
import { type CharacterTable, isWhiteSpace, trait } from './character-table.ts';
import type { Charsmap } from './charsmap.ts';
import { category, graphemeCategory, graphemeEnd } from './grapheme.ts';

export const METASPACE = 0x2581;
const REPLACEMENT = 0xfffd;
const LIMIT_BYTES = 6;

export interface PieceSink {
  readonly empty: boolean;
  push(unit: number): void;
  /** A piece ends; never called while `empty`. */
  end(): void;
}

export class PieceMaker {
  readonly #traits: Uint16Array;
  readonly #table: CharacterTable;
  readonly #charsmap: Charsmap;
  readonly #sink: PieceSink;

  constructor(table: CharacterTable, charsmap: Charsmap, sink: PieceSink) {
    this.#traits = table.traits;
    this.#table = table;
    this.#charsmap = charsmap;
    this.#sink = sink;
  }

  /** `text.slice(start, end)` whose traits are `mapped` at most. */
  plain(text: string, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const unit = text.charCodeAt(at);
      if (this.#traits[unit]! & trait.mapped) this.#mapped(unit);
      else this.#emit(unit);
    }
    this.#endPiece();
  }

  /** Any text without added tokens. */
  any(text: string, start: number, end: number): void {
    if (this.#shortClusters(text, start, end)) this.#byGrapheme(text, start, end);
    else {
      for (let at = start; at < end; ) {
        const codePoint = wellFormed(text, at, end);
        at += codePoint > 0xffff ? 2 : 1;
        this.#character(codePoint);
      }
    }
    this.#endPiece();
  }

  /** True when a cluster of several characters may be under six bytes: two neighbours that may join are. */
  #shortClusters(text: string, start: number, end: number): boolean {
    let bytesBefore = LIMIT_BYTES;
    let prepended = false;
    for (let at = start; at < end; ) {
      const codePoint = wellFormed(text, at, end);
      at += codePoint > 0xffff ? 2 : 1;
      const bytes = utf8Bytes(codePoint);
      if (bytesBefore + bytes < LIMIT_BYTES) {
        if (prepended) return true;
        const kind = graphemeCategory(codePoint);
        if (kind === category.extend || kind === category.zwj || kind === category.spacingMark) return true;
      }
      prepended = graphemeCategory(codePoint) === category.prepend;
      bytesBefore = bytes;
    }
    return false;
  }

  #byGrapheme(text: string, start: number, end: number): void {
    const codePoints: number[] = [];
    for (let at = start; at < end; ) {
      const codePoint = wellFormed(text, at, end);
      at += codePoint > 0xffff ? 2 : 1;
      codePoints.push(codePoint);
    }
    for (let at = 0; at < codePoints.length; ) {
      const next = graphemeEnd(codePoints, at);
      if (next === at + 1) this.#character(codePoints[at]!);
      else this.#cluster(codePoints, at, next);
      at = next;
    }
  }

  #cluster(codePoints: readonly number[], start: number, end: number): void {
    let bytes = 0;
    for (let at = start; at < end; at++) bytes += utf8Bytes(codePoints[at]!);
    if (bytes < LIMIT_BYTES) {
      const cluster = String.fromCodePoint(...codePoints.slice(start, end));
      const replacement = this.#charsmap.replacement(Buffer.from(cluster));
      if (replacement !== undefined) {
        for (let at = 0; at < replacement.length; at++) this.#emit(replacement.charCodeAt(at));
        return;
      }
    }
    for (let at = start; at < end; at++) this.#character(codePoints[at]!);
  }

  #character(codePoint: number): void {
    if (codePoint > 0xffff) this.#astral(codePoint);
    else if (this.#traits[codePoint]! & (trait.mapped | trait.space)) this.#mapped(codePoint);
    else this.#emit(codePoint);
  }

  #mapped(unit: number): void {
    const entry = this.#table.replaced[unit]!;
    if (entry === 0) this.#emit(unit);
    else this.#emitReplacement(entry - 1);
  }

  #astral(codePoint: number): void {
    const { astral, astralReplaced } = this.#table;
    let low = 0;
    let high = astral.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (astral[middle]! < codePoint) low = middle + 1;
      else high = middle;
    }
    if (astral[low] === codePoint) {
      this.#emitReplacement(astralReplaced[low]! - 1);
    } else {
      this.#emit(0xd800 + ((codePoint - 0x10000) >> 10));
      this.#emit(0xdc00 + ((codePoint - 0x10000) & 0x3ff));
    }
  }

  #emitReplacement(at: number): void {
    const { replacements } = this.#table;
    const end = at + 1 + replacements[at]!;
    for (let unit = at + 1; unit < end; unit++) this.#emit(replacements[unit]!);
  }

  /** One code unit of normalised text. */
  #emit(unit: number): void {
    const sink = this.#sink;
    if (unit === METASPACE) {
      this.#endPiece();
      sink.push(METASPACE);
    } else if (isWhiteSpace(unit)) {
      this.#endPiece();
    } else {
      if (sink.empty) sink.push(METASPACE);
      sink.push(unit);
    }
  }

  #endPiece(): void {
    if (!this.#sink.empty) this.#sink.end();
  }
}

/** The code point at `at`, U+FFFD for half a surrogate pair (what the reference makes of it). */
function wellFormed(text: string, at: number, end: number): number {
  const unit = text.charCodeAt(at);
  if ((unit & 0xf800) !== 0xd800) return unit;
  if (unit < 0xdc00 && at + 1 < end) {
    const low = text.charCodeAt(at + 1);
    if ((low & 0xfc00) === 0xdc00) return (((unit & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
  }
  return REPLACEMENT;
}

function utf8Bytes(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}
