/**
 * Units: the pieces that chunks are packed from, at first one a block. Token counts of neighbours add up exactly where white
 * space that the tokenizer splits at lies between them (`exact`); elsewhere, and with a tokenizer that does not split there, a sum is an estimate, and the chunk is counted anew.
 */
import type { Tokenizer } from '@sluice/tokenizer';
import type { Block, BlockKind, Outline } from './outline.ts';
import { strength } from './outline.ts';

/** How finely a unit has been divided so far. */
export type Grain = 'block' | 'sentence' | 'line' | 'clause' | 'word' | 'grapheme' | 'codePoint';

export interface Unit {
  /** UTF-16 offsets into the source, white space at the end left out. */
  start: number;
  end: number;
  tokens: number;
  /** UTF-8 bytes of the slice, and of the white space between it and the unit before. */
  bytes: number;
  gapBytes: number;
  /** Strength of the boundary before it. */
  before: number;
  kind: BlockKind;
  grain: Grain;
  path: readonly string[];
  /** Goes before a chunk that starts with this unit: the opener of a fence whose start is in an earlier chunk. */
  repeat: string;
  /** The `repeat` of its later parts, should it be divided. */
  repeatWhenDivided: string;
  exact: boolean;
}

/** Indentation kept with the first line of a block. */
const INDENTATION = 64;

export class Measure {
  readonly source: string;
  readonly #tokenizer: Tokenizer;
  /** Counts are of NFC: a source in another form is normalised slice by slice. */
  readonly #composed: boolean;
  /** Code units to a part when words or graphemes are gathered: a chunk is filled to within one part. */
  readonly part: number;

  constructor(source: string, tokenizer: Tokenizer, targetTokens: number) {
    this.source = source;
    this.part = Math.max(8, Math.min(192, targetTokens >> 1));
    this.#tokenizer = tokenizer;
    this.#composed = source.normalize('NFC') === source;
  }

  /** Tokens of the slice in NFC. */
  count(start: number, end: number): number {
    if (this.#composed) return this.#tokenizer.count(this.source, start, end);
    return this.#tokenizer.count(this.source.slice(start, end).normalize('NFC'));
  }

  /** The slice as a unit, white space around it left out; undefined when nothing else is in it. `previousEnd` ends the unit before. */
  unit(start: number, end: number, previousEnd: number, like: Omit<Unit, MeasuredFields>): Unit | undefined {
    const { source } = this;
    const text = skipBlank(source, start, end);
    if (text === end) return undefined;
    const from = joinsSpace(source, text) && text > start ? text - 1 : text;
    const last = skipBlankBack(source, end, text);
    const to = claimsSpace(source, last) && last < end ? last + 1 : last;
    const first = like.grain === 'block' ? indentationStart(source, Math.max(start, previousEnd), from) : from;
    const slice = source.slice(first, to);
    return {
      ...like,
      start: first,
      end: to,
      tokens: this.count(from, to),
      bytes: Buffer.byteLength(slice),
      gapBytes: first > previousEnd ? Buffer.byteLength(source.slice(previousEnd, first)) : 0,
      exact: this.#tokenizer.addsUp && this.#composed && partsWords(source, from) && endsWord(source, to),
    };
  }
}

type MeasuredFields = 'start' | 'end' | 'tokens' | 'bytes' | 'gapBytes' | 'exact';

export function unitsOf({ source, blocks }: Outline, measure: Measure): Unit[] {
  const units: Unit[] = [];
  const leading: Block = { kind: 'prose', start: 0, before: strength.paragraph, path: [], repeat: '' };
  const all = blocks[0]?.start === 0 ? blocks : [leading, ...blocks];
  let previousEnd = 0;
  for (let at = 0; at < all.length; at++) {
    const block = all[at]!;
    const end = all[at + 1]?.start ?? source.length;
    const { kind, before, path, repeat } = block;
    const unit = measure.unit(block.start, end, previousEnd, {
      kind,
      before,
      path,
      grain: 'block',
      repeat: '',
      repeatWhenDivided: repeat,
    });
    if (unit === undefined) continue;
    units.push(unit);
    previousEnd = unit.end;
  }
  return units;
}

const blankAt = /\s/;

export function isBlank(unit: number): boolean {
  return unit <= 0x20
    ? unit === 0x20 || (unit >= 9 && unit <= 13)
    : unit >= 0xa0 && blankAt.test(String.fromCharCode(unit));
}

/** The first offset from `at` on that is not blank, `end` when all is. */
function skipBlank(source: string, at: number, end: number): number {
  while (at < end && isBlank(source.charCodeAt(at))) at++;
  return at;
}

function skipBlankBack(source: string, end: number, start: number): number {
  while (end > start && isBlank(source.charCodeAt(end - 1))) end--;
  return end;
}

const joins = /[\p{M}\p{Cf}\p{Emoji_Modifier}\uff9e\uff9f]/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** True when the character at `at` is one grapheme with whatever is before it: a mark, joiner or modifier. */
export function joinsBack(source: string, at: number): boolean {
  return source.charCodeAt(at) >= 0x300 && joins.test(String.fromCodePoint(source.codePointAt(at)!));
}

/** A mark after a space is one grapheme with it. */
function joinsSpace(source: string, at: number): boolean {
  const before = source.charCodeAt(at - 1);
  return joinsBack(source, at) && (before === 0x20 || before >= 0xa0);
}

/** A few signs (Arabic number signs and their like) are one grapheme with what is behind them, a space included. */
function claimsSpace(source: string, at: number): boolean {
  const after = source.charCodeAt(at);
  if (source.charCodeAt(at - 1) < 0x600 || !(after === 0x20 || after >= 0xa0) || !isBlank(after)) return false;
  const around = source.slice(Math.max(0, at - 2), at + 1);
  return graphemes.segment(around).containing(around.length - 1)?.index !== around.length - 1;
}

function indentationStart(source: string, least: number, first: number): number {
  let at = first;
  while (at > least && first - at < INDENTATION) {
    const unit = source.charCodeAt(at - 1);
    if (unit !== 0x20 && unit !== 0x09) break;
    at--;
  }
  const lineStart = at === 0 || source.charCodeAt(at - 1) === 10 || source.charCodeAt(at - 1) === 13;
  return lineStart ? at : first;
}

/** True when the tokenizer splits before `at` whatever follows: a separator, and no mark that might join a space. */
function partsWords(source: string, at: number): boolean {
  if (at === 0) return true;
  const before = source.charCodeAt(at - 1);
  if (before === 10 || before === 13 || before === 9) return true;
  return before === 0x20 && source.charCodeAt(at) < 0x300;
}

function endsWord(source: string, at: number): boolean {
  if (at === source.length) return true;
  const after = source.charCodeAt(at);
  return after === 0x20 || after === 10 || after === 13 || after === 9;
}
