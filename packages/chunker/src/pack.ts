/**
 * Packs units into chunks.
 *
 * A chunk closes between target and maximum, at the strongest boundary of the window [target, 1.5 × target]; equal ones are
 * decided by a hash of the text behind them, not by running totals: after an edit the next windows overlap the old
 * ones, so the same boundary wins again and the cuts fall back into step. Only if that window has no boundary of a paragraph or
 * better, one up to the maximum is taken, then prose is divided. Code and tables that fit a chunk are never divided for that, and of
 * larger ones no line that fits.
 *
 * Words: `load` is a stretch's size in tokens with its context, or its bytes scaled to tokens, whichever is nearer its limit.
 */
import { divide, strengthWhenDivided } from './divide.ts';
import { boundaryHash, strength } from './outline.ts';
import type { Measure, Unit } from './unit.ts';

export interface Budget {
  targetTokens: number;
  /** Tokens left for context and text. */
  maxTokens: number;
  maxBytes: number;
  /** Tokens of the context of a chunk that starts with this unit. */
  contextTokens(first: Unit): number;
}

/** How far beyond the target a chunk may look for a stronger boundary, as long as it has one of a paragraph. */
const WINDOW = 1.5;
/** Characters behind a boundary that decide between equal ones. */
const HASHED = 48;

export function pack(units: readonly Unit[], measure: Measure, budget: Budget): Unit[][] {
  const queue = new UnitQueue(units);
  const chunks: Unit[][] = [];
  while (!queue.empty) {
    chunks.push(nextChunk(queue, measure, budget));
  }
  return chunks;
}

/** Tokens, or bytes scaled to tokens: whichever is nearer its limit. */
export function loadIn(
  { maxTokens, maxBytes }: Pick<Budget, 'maxTokens' | 'maxBytes'>,
  tokens: number,
  bytes: number,
): number {
  return Math.max(tokens, Math.ceil((bytes * maxTokens) / maxBytes));
}

/** Size of `units` as one chunk. */
export function loadOf(units: readonly Unit[], budget: Budget): number {
  const load = new Load(budget);
  for (const unit of units) load.add(unit);
  return load.value;
}

/** True when `units` are one chunk: they fit, and are too few to be two. */
export function isWhole(load: number, budget: Budget): boolean {
  return load <= budget.maxTokens && load < 2 * budget.targetTokens;
}

class Load {
  #tokens = 0;
  #bytes = 0;
  #units = 0;
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get value(): number {
    return loadIn(this.#budget, this.#tokens, this.#bytes);
  }

  valueWith(unit: Unit): number {
    return loadIn(this.#budget, this.#tokens + this.#tokensOf(unit), this.#bytes + this.#bytesOf(unit));
  }

  add(unit: Unit): void {
    this.#tokens += this.#tokensOf(unit);
    this.#bytes += this.#bytesOf(unit);
    this.#units++;
  }

  #tokensOf(unit: Unit): number {
    return this.#units === 0 ? unit.tokens + this.#budget.contextTokens(unit) : unit.tokens;
  }

  /** White space before a chunk's first unit is not in the chunk. */
  #bytesOf(unit: Unit): number {
    return this.#units === 0 ? unit.bytes : unit.bytes + unit.gapBytes;
  }
}

/** Units still to be packed, first in first out, with what they weigh together. */
class UnitQueue {
  readonly #reversed: Unit[];
  #tokens = 0;
  #bytes = 0;

  constructor(units: readonly Unit[]) {
    this.#reversed = [...units].reverse();
    for (const unit of units) this.#weigh(unit, 1);
  }

  get empty(): boolean {
    return this.#reversed.length === 0;
  }

  get first(): Unit {
    return this.#reversed.at(-1)!;
  }

  take(): Unit {
    const unit = this.#reversed.pop()!;
    this.#weigh(unit, -1);
    return unit;
  }

  putBack(units: readonly Unit[]): void {
    for (let at = units.length - 1; at >= 0; at--) {
      this.#reversed.push(units[at]!);
      this.#weigh(units[at]!, 1);
    }
  }

  /** Load of what is left, were it one chunk without context; for a chunk that holds `load` already. */
  loadWith(load: number, budget: Budget): number {
    return load + Math.max(this.#tokens, (this.#bytes * budget.maxTokens) / budget.maxBytes);
  }

  #weigh(unit: Unit, sign: 1 | -1): void {
    this.#tokens += sign * unit.tokens;
    this.#bytes += sign * (unit.bytes + unit.gapBytes);
  }
}

function nextChunk(queue: UnitQueue, measure: Measure, budget: Budget): Unit[] {
  const { maxTokens } = budget;
  const chunk: Unit[] = [];
  /** loads[n]: of the first n units. */
  const loads = [0];
  const load = new Load(budget);
  for (;;) {
    while (!queue.empty && load.valueWith(queue.first) <= maxTokens) {
      const unit = queue.take();
      load.add(unit);
      chunk.push(unit);
      loads.push(load.value);
    }
    if (queue.empty && (chunk.length === 1 || isWhole(load.value, budget))) return chunk;

    const rest = queue.loadWith(load.value, budget);
    const overflow = queue.empty ? undefined : queue.first;
    const opens = overflow === undefined ? 0 : worthDividing(overflow, chunk.length === 0, budget);
    const cut = chooseCut(chunk, overflow, loads, rest, opens, measure, budget);
    if (cut !== undefined) {
      queue.putBack(chunk.slice(cut));
      return chunk.slice(0, cut);
    }
    const parts =
      overflow === undefined ? undefined : divide(overflow, measure, chunk.length === 0 ? 0 : strength.word);
    if (parts !== undefined && parts.length > 1) {
      queue.take();
      queue.putBack(parts);
    } else if (chunk.length > 0) {
      return chunk;
    } else {
      return [queue.take()];
    }
  }
}

/**
 * Strength of the boundaries that dividing the unit behind the chunk would open; 0: it is better left whole. Only a unit that
 * stands alone is divided inside a word.
 */
function worthDividing(unit: Unit, alone: boolean, budget: Budget): number {
  const opens = strengthWhenDivided(unit);
  if (alone) return opens;
  const atomic = (unit.kind === 'code' || unit.kind === 'table') && (unit.grain === 'block' || unit.grain === 'line');
  if (opens < strength.word || (atomic && loadOf([unit], budget) <= budget.maxTokens)) return 0;
  return opens;
}

/**
 * How many units the chunk keeps, or undefined when the overflowing unit is better divided first. `loads[n]` is the load of
 * the first n units, `rest` that of everything left, this chunk included.
 */
function chooseCut(
  chunk: readonly Unit[],
  overflow: Unit | undefined,
  loads: readonly number[],
  rest: number,
  opens: number,
  measure: Measure,
  { targetTokens: target, maxTokens: max }: Budget,
): number | undefined {
  if (chunk.length === 0) return undefined;
  const strengthAt = (n: number) => (n < chunk.length ? chunk[n]!.before : (overflow?.before ?? 0));
  const last = overflow === undefined ? chunk.length - 1 : chunk.length;
  const hash = (n: number) => boundaryHash(measure.source, (chunk[n] ?? overflow)!.start, HASHED);

  const pick = (low: number, high: number, least: number, tie: (n: number) => number): number | undefined => {
    let best: number | undefined;
    let bestTie = 0;
    for (let n = last; n >= 1 && loads[n]! >= low; n--) {
      if (loads[n]! > high || strengthAt(n) < least) continue;
      const stronger = best === undefined ? 1 : strengthAt(n) - strengthAt(best);
      if (stronger < 0) continue;
      const value = tie(n);
      if (stronger > 0 || value < bestTie) {
        best = n;
        bestTie = value;
      }
    }
    return best;
  };
  const first = (n: number) => n;
  const middle = (n: number) => Math.abs(loads[n]! - rest / 2);
  const soft = Math.min(max, target * WINDOW);
  const least = strength.strong;

  // Near the end: leave a tail of at least the target, else two halves.
  if (rest < target + soft) {
    const balanced =
      pick(target, Math.min(max, rest - target), least, middle) ??
      pick(Math.max(target / 2, rest - max), Math.min(max, rest - target / 2), least, middle);
    if (balanced !== undefined) return balanced;
  }
  const strong = pick(target, soft, least, hash) ?? pick(soft, max, least, first);
  if (strong !== undefined) return strong;
  const weak = pick(target, soft, 0, rest < target + soft ? middle : hash) ?? pick(soft, max, 0, first);
  if (weak !== undefined && strengthAt(weak) >= opens) return weak;
  if (opens > 0) return undefined;
  // The unit behind is better whole: close before it, at a boundary that is not a heading's own.
  return pick(target / 2, max, strength.sentence, (n) => -n) ?? backFromHeading(chunk, strengthAt, last);
}

function backFromHeading(chunk: readonly Unit[], strengthAt: (n: number) => number, last: number): number {
  let n = last;
  while (n > 1 && strengthAt(n) <= strength.glue) n--;
  return strengthAt(n) <= strength.glue ? Math.min(last, chunk.length) : n;
}
