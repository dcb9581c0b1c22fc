/**
 * Counts of words seen before, in fixed memory: a four-way set of typed arrays, the oldest way of a full set overwritten. Keys are
 * compared character by character, so an answer is never another word's.
 */

/** Longer words are counted anew each time: they seldom come back. */
export const LONGEST_MEMO = 16;
const SETS = 1 << 14;
const WAYS = 4;

export class WordMemo {
  readonly #keys = new Uint16Array(SETS * WAYS * LONGEST_MEMO);
  /** Count << 5 | length; 0: empty. */
  readonly #entries = new Int32Array(SETS * WAYS);
  readonly #oldest = new Uint8Array(SETS);

  /** The count of `text.slice(start, end)` (1 to 16 code units) with its `hash`, or -1. */
  get(text: string, start: number, end: number, hash: number): number {
    const length = end - start;
    const first = setOf(hash) * WAYS;
    const keys = this.#keys;
    for (let way = first; way < first + WAYS; way++) {
      const entry = this.#entries[way]!;
      if ((entry & 31) !== length) continue;
      let at = start;
      for (let key = way * LONGEST_MEMO; at < end && keys[key] === text.charCodeAt(at); at++) key++;
      if (at === end) return entry >> 5;
    }
    return -1;
  }

  set(text: string, start: number, end: number, hash: number, count: number): void {
    const set = setOf(hash);
    const way = set * WAYS + this.#oldest[set]!;
    this.#oldest[set] = (this.#oldest[set]! + 1) % WAYS;
    let key = way * LONGEST_MEMO;
    for (let at = start; at < end; at++) this.#keys[key++] = text.charCodeAt(at);
    this.#entries[way] = (count << 5) | (end - start);
  }
}

function setOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SETS - 1);
}
