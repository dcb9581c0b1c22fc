/**
 * A trie over UTF-16 code units as a double array, in one shared Int32Array of four-number slots:
 *
 *     units[4 s]     base: the child by code c of slot s is slot base + c
 *     units[4 s + 1] check: the slot's parent, -1 when the slot is empty
 *     units[4 s + 2] value: the key's number when a key ends here, -1 otherwise
 *     units[4 s + 3] unused; sixteen bytes a slot, so that a step touches one cache line
 *
 * Code units are first mapped to codes 1, 2, 3 … by falling frequency (`alphabet`; 0: in no key), which keeps siblings close
 * together. Slot 0 is the root. A step needs no bounds check: every base leaves room for the largest code.
 */
import { sharedUint16 } from './shared-array.ts';

export interface DoubleArray {
  readonly alphabet: Uint16Array;
  readonly units: Int32Array;
  /** Longest key in code units. */
  readonly longest: number;
}

/** Slots tried for a node with several children before it is put behind everything else. */
const TRIES = 48;

/** Builds the trie of `keys` (distinct, not empty); a key's value is its index. */
export function buildDoubleArray(keys: readonly string[]): DoubleArray {
  const alphabet = alphabetOf(keys);
  const codes = alphabet.reduce((most, code) => Math.max(most, code), 0);
  const values = new Map(keys.map((key, value) => [key, value]));
  const order = [...keys].sort();
  const slots = new Slots(nodeCount(order), codes);

  // Depth first over ranges of the sorted keys; every range shares its first `depth` code units.
  const stack: number[] = [0, 0, order.length, 0];
  const childCodes: number[] = [];
  const childEnds: number[] = [];
  let longest = 0;
  while (stack.length > 0) {
    const depth = stack.pop()!;
    const high = stack.pop()!;
    let low = stack.pop()!;
    const slot = stack.pop()!;
    longest = Math.max(longest, depth);
    if (order[low]!.length === depth) slots.setValue(slot, values.get(order[low++]!)!);
    if (low === high) continue;
    childCodes.length = 0;
    childEnds.length = 0;
    for (let at = low; at < high; ) {
      const unit = order[at]!.charCodeAt(depth);
      while (at < high && order[at]!.charCodeAt(depth) === unit) at++;
      childCodes.push(alphabet[unit]!);
      childEnds.push(at);
    }
    const base = slots.place(slot, childCodes);
    let from = low;
    for (let child = 0; child < childCodes.length; child++) {
      stack.push(base + childCodes[child]!, from, childEnds[child]!, depth + 1);
      from = childEnds[child]!;
    }
  }
  return { alphabet, units: slots.finish(), longest };
}

/** Nodes of the trie without its root: each key adds what it does not share with the one before. */
function nodeCount(order: readonly string[]): number {
  let nodes = 0;
  let before = '';
  for (const key of order) {
    let shared = 0;
    while (shared < before.length && key.charCodeAt(shared) === before.charCodeAt(shared)) shared++;
    nodes += key.length - shared;
    before = key;
  }
  return nodes;
}

function alphabetOf(keys: readonly string[]): Uint16Array {
  const frequency = new Uint32Array(65_536);
  for (const key of keys) {
    for (let at = 0; at < key.length; at++) frequency[key.charCodeAt(at)]!++;
  }
  const used = [...frequency.keys()].filter((unit) => frequency[unit]! > 0);
  used.sort((a, b) => frequency[b]! - frequency[a]! || a - b);
  const alphabet = new Uint16Array(65_536);
  used.forEach((unit, index) => {
    alphabet[unit] = index + 1;
  });
  return sharedUint16(alphabet);
}

/** The array while it is built. */
class Slots {
  #units: Int32Array;
  /** For each slot the next one that may be free (itself when it is), with path compression; amortised near-constant. */
  #nextFree: Int32Array;
  /** Slots from here on have never been looked at for a node with several children. */
  #fresh = 1;
  #last = 0;
  readonly #codes: number;

  constructor(nodes: number, codes: number) {
    this.#codes = codes;
    const slots = Math.ceil(nodes * 1.1) + 2 * codes + 1_024;
    this.#units = new Int32Array(slots * 4).fill(-1);
    this.#nextFree = Int32Array.from({ length: slots + 1 }, (_, slot) => slot);
    this.#take(0, -2);
  }

  setValue(slot: number, value: number): void {
    this.#units[slot * 4 + 2] = value;
  }

  /** Finds room for the children of `parent` and returns the base. */
  place(parent: number, codes: readonly number[]): number {
    const first = codes.reduce((least, code) => Math.min(least, code));
    let slot = this.#free(codes.length === 1 ? first : Math.max(first, this.#fresh));
    for (let tries = 0; !this.#fits(slot - first, codes); tries++) {
      slot = this.#free(slot + 1);
      if (tries > TRIES) this.#fresh = Math.max(this.#fresh, slot);
    }
    const base = slot - first;
    for (const code of codes) this.#take(base + code, parent);
    this.#units[parent * 4] = base;
    return base;
  }

  /** The array cut to size, in shared memory. */
  finish(): Int32Array {
    const shared = new Int32Array(new SharedArrayBuffer((this.#last + this.#codes + 1) * 16));
    shared.set(this.#units.subarray(0, shared.length));
    // A leaf has no base: its base -1 must not reach slot -1 with code 0, nor find a child; check decides the rest.
    for (let slot = 0; slot < shared.length; slot += 4) if (shared[slot]! < 0) shared[slot] = 0;
    return shared;
  }

  #fits(base: number, codes: readonly number[]): boolean {
    for (const code of codes) if (this.#free(base + code) !== base + code) return false;
    return true;
  }

  #take(slot: number, parent: number): void {
    this.#units[slot * 4 + 1] = parent;
    this.#nextFree[slot] = slot + 1;
    this.#last = Math.max(this.#last, slot);
  }

  #free(from: number): number {
    this.#reserve(from + 1);
    let slot = from;
    while (this.#nextFree[slot] !== slot) slot = this.#nextFree[slot]!;
    for (let at = from; at !== slot; ) {
      const next = this.#nextFree[at]!;
      this.#nextFree[at] = slot;
      at = next;
    }
    this.#reserve(slot + this.#codes + 1);
    return slot;
  }

  #reserve(slots: number): void {
    const before = this.#nextFree.length - 1;
    if (slots < before) return;
    const more = Math.ceil(slots * 1.5);
    const units = new Int32Array(more * 4).fill(-1);
    units.set(this.#units);
    this.#units = units;
    const nextFree = Int32Array.from({ length: more + 1 }, (_, slot) => slot);
    nextFree.set(this.#nextFree);
    this.#nextFree = nextFree;
  }
}
