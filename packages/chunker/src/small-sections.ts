/**
 * Shares out a run of sections that are each too small for a chunk. The run is parted at one boundary, its parts again, until each is one chunk; which boundary is decided by a
 * hash of the text behind it, among those that leave the target on both sides; of equal ones the more even: sections that are all alike are halved, not
 * cut off one by one, which would scan the rest for each chunk. So the same boundaries win again after an edit: what an edit moves is the parting of the
 * smallest stretch around it, where filling chunks from the start would move all behind it (measured: up to twelve chunks).
 */
import { boundaryHash } from './outline.ts';
import { type Budget, isWhole, loadIn, loadOf, pack } from './pack.ts';
import type { Measure, Unit } from './unit.ts';

/** Characters behind a boundary that decide. */
const HASHED = 96;

/** `sections` in order, each some units; chunks in order. */
export function packSmallSections(sections: readonly Unit[][], measure: Measure, budget: Budget): Unit[][] {
  const sizes = new Sizes(sections, budget);
  const hashes = sections.map(([first]) => boundaryHash(measure.source, first!.start, HASHED));
  const chunks: Unit[][] = [];
  /** Stretches still to be parted, the first one last. */
  const open: [from: number, to: number][] = [[0, sections.length]];
  for (;;) {
    const stretch = open.pop();
    if (stretch === undefined) return chunks;
    const [from, to] = stretch;
    const cut = isWhole(sizes.load(from, to), budget) ? undefined : chooseCut(from, to, sizes, hashes, budget);
    if (cut !== undefined) {
      open.push([cut, to], [from, cut]);
      continue;
    }
    const units = sections.slice(from, to).flat();
    if (isWhole(loadOf(units, budget), budget)) chunks.push(units);
    else chunks.push(...pack(units, measure, budget));
  }
}

/** The section that the right part starts with; undefined when no boundary leaves enough on both sides. */
function chooseCut(
  from: number,
  to: number,
  sizes: Sizes,
  hashes: readonly number[],
  { targetTokens, maxTokens }: Budget,
): number | undefined {
  let best: number | undefined;
  let middle: number | undefined;
  let evenestBest = Number.POSITIVE_INFINITY;
  let evenest = Number.POSITIVE_INFINITY;
  for (let at = from + 1; at < to; at++) {
    const left = sizes.load(from, at);
    const right = sizes.load(at, to);
    const uneven = Math.abs(left - right);
    if (left >= targetTokens && right >= targetTokens) {
      const lead = best === undefined ? -1 : hashes[at]! - hashes[best]!;
      if (lead < 0 || (lead === 0 && uneven < evenestBest)) {
        best = at;
        evenestBest = uneven;
      }
    } else if (best === undefined && uneven < evenest) {
      evenest = uneven;
      middle = at;
    }
  }
  if (best !== undefined) return best;
  // Too much for one chunk, too little for two of the target: halves.
  return sizes.load(from, to) > maxTokens ? middle : undefined;
}

/** Loads of stretches, from sums. */
class Sizes {
  readonly #tokens = [0];
  readonly #bytes = [0];
  readonly #contexts: number[];
  readonly #budget: Budget;

  constructor(sections: readonly Unit[][], budget: Budget) {
    this.#budget = budget;
    this.#contexts = sections.map(([first]) => budget.contextTokens(first!));
    let tokens = 0;
    let bytes = 0;
    for (const section of sections) {
      for (const unit of section) {
        tokens += unit.tokens;
        bytes += unit.bytes + unit.gapBytes;
      }
      this.#tokens.push(tokens);
      this.#bytes.push(bytes);
    }
  }

  load(from: number, to: number): number {
    const tokens = this.#tokens[to]! - this.#tokens[from]! + this.#contexts[from]!;
    const bytes = this.#bytes[to]! - this.#bytes[from]!;
    return loadIn(this.#budget, tokens, bytes);
  }
}
