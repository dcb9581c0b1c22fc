/**
 * The unigram model: the best segmentation of a piece by Viterbi, as the reference's `encode_optimized` finds it. Scores are
 * float64 and added in the same order, a later path must be strictly better, so ties fall alike.
 *
 * Only what a count needs is kept: the best score that ends at a position, the number of tokens on that path and whether its
 * last one is unknown (neighbouring unknowns are one token). Those of the last `longest` positions suffice, so memory does
 * not grow with the piece: it is fed code unit by code unit through a window. `Segmenter` keeps the path as well, for ids.
 */
import type { DoubleArray } from './double-array.ts';

export interface UnigramTables {
  readonly trie: DoubleArray;
  /** By id. */
  readonly scores: Float64Array;
  readonly unknownId: number;
  /** Score of a character that is no piece by itself: the lowest score less ten. */
  readonly unknownScore: number;
}

/** Code units worked on at a time. */
const WINDOW = 4_096;

export class PieceCounter {
  readonly #alphabet: Uint16Array;
  readonly #units: Int32Array;
  readonly #scores: Float64Array;
  readonly #unknownId: number;
  readonly #unknownScore: number;
  readonly #longest: number;

  readonly #piece: Uint16Array;
  /** Best score, tokens on that path, and whether its last token is unknown, by the position where they end. */
  readonly #best: Float64Array;
  readonly #tokens: Int32Array;
  readonly #unknown: Uint8Array;
  #length = 0;

  constructor({ trie, scores, unknownId, unknownScore }: UnigramTables) {
    this.#alphabet = trie.alphabet;
    this.#units = trie.units;
    this.#scores = scores;
    this.#unknownId = unknownId;
    this.#unknownScore = unknownScore;
    this.#longest = Math.max(trie.longest, 2);
    const size = WINDOW + 2 * this.#longest + 2;
    this.#piece = new Uint16Array(size);
    this.#best = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    this.#best[0] = 0;
    this.#tokens = new Int32Array(size);
    this.#unknown = new Uint8Array(size);
  }

  /** True when nothing was pushed since the last `finish`. A piece that was drained is never empty. */
  get empty(): boolean {
    return this.#length === 0;
  }

  /** Adds a code unit of well-formed UTF-16. */
  push(unit: number): void {
    this.#piece[this.#length++] = unit;
    if (this.#length === WINDOW + this.#longest) this.#slide();
  }

  /** The number of tokens of the piece; the next push begins another one. */
  finish(): number {
    const length = this.#length;
    this.#run(0, length);
    const tokens = this.#tokens[length]!;
    this.#best.fill(Number.NEGATIVE_INFINITY, 1, length + 1);
    this.#best[0] = 0;
    this.#tokens[0] = 0;
    this.#unknown[0] = 0;
    this.#length = 0;
    return tokens;
  }

  /** Settles all positions that have a full look-ahead and moves the rest to the front. */
  #slide(): void {
    let settled = this.#length - this.#longest;
    if (isLowSurrogate(this.#piece[settled]!)) settled--;
    this.#run(0, settled);
    const rest = this.#length - settled;
    this.#piece.copyWithin(0, settled, this.#length);
    this.#best.copyWithin(0, settled, this.#length + 1);
    this.#tokens.copyWithin(0, settled, this.#length + 1);
    this.#unknown.copyWithin(0, settled, this.#length + 1);
    this.#best.fill(Number.NEGATIVE_INFINITY, rest + 1);
    this.#length = rest;
  }

  #run(from: number, to: number): void {
    const alphabet = this.#alphabet;
    const units = this.#units;
    const scores = this.#scores;
    const piece = this.#piece;
    const best = this.#best;
    const tokens = this.#tokens;
    const unknown = this.#unknown;
    const unknownId = this.#unknownId;
    const length = this.#length;

    for (let start = from; start < to; ) {
      const here = best[start]!;
      const count = tokens[start]!;
      const width = isHighSurrogate(piece[start]!) ? 2 : 1;
      const single = start + width;
      let known = false;
      let slot = 0;
      for (let end = start; end < length; ) {
        const next = units[slot]! + alphabet[piece[end]!]!;
        if (units[next * 4 + 1] !== slot >> 2) break;
        slot = next * 4;
        end++;
        const id = units[slot + 2]!;
        if (id < 0) continue;
        if (end === single) known = true;
        const score = here + scores[id]!;
        if (score > best[end]!) {
          best[end] = score;
          if (id === unknownId) {
            tokens[end] = count + 1 - unknown[start]!;
            unknown[end] = 1;
          } else {
            tokens[end] = count + 1;
            unknown[end] = 0;
          }
        }
      }
      if (!known) {
        const score = here + this.#unknownScore;
        if (score > best[single]!) {
          best[single] = score;
          tokens[single] = count + 1 - unknown[start]!;
          unknown[single] = 1;
        }
      }
      start = single;
    }
  }
}

/** The same search with the path kept: the ids of one piece. Memory grows with the piece (sixteen bytes a code unit). */
export function segment(tables: UnigramTables, piece: string, ids: number[]): void {
  const { trie, scores, unknownId, unknownScore } = tables;
  const { alphabet, units } = trie;
  const length = piece.length;
  const best = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY);
  const from = new Int32Array(length + 1);
  const idAt = new Int32Array(length + 1);
  best[0] = 0;
  for (let start = 0; start < length; ) {
    const here = best[start]!;
    const single = start + (isHighSurrogate(piece.charCodeAt(start)) ? 2 : 1);
    let known = false;
    let slot = 0;
    const reach = (end: number, id: number, score: number) => {
      if (score > best[end]!) {
        best[end] = score;
        from[end] = start;
        idAt[end] = id;
      }
    };
    for (let end = start; end < length; ) {
      const next = units[slot]! + alphabet[piece.charCodeAt(end)]!;
      if (units[next * 4 + 1] !== slot >> 2) break;
      slot = next * 4;
      end++;
      const id = units[slot + 2]!;
      if (id < 0) continue;
      if (end === single) known = true;
      reach(end, id, here + scores[id]!);
    }
    if (!known) reach(single, unknownId, here + unknownScore);
    start = single;
  }
  const first = ids.length;
  for (let end = length; end > 0; end = from[end]!) {
    const id = idAt[end]!;
    if (id === unknownId && ids.length > first && ids.at(-1) === unknownId) continue;
    ids.push(id);
  }
  const path = ids.splice(first).reverse();
  for (const id of path) ids.push(id);
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
