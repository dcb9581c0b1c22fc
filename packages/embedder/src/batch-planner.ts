/**
 * Chooses what goes to the engine together. Engines pad a request to its longest text, so a request costs longest × rows
 * tokens, however short the others are; random batches of 2,048–4,096-token texts waste 25 % on padding, batches of alike
 * lengths 2–3 %.
 *
 * Invariants, whatever is added and whenever it is taken:
 * - no batch has longest × rows above `maxPaddedTokens`, nor more than `maxRows` rows;
 * - every item added comes out exactly once;
 * - items of the first one's class are chosen as if there were no others; those only fill the room that is left, where they cost
 *   little padding. Otherwise each batch would take one urgent item and its neighbours by length, whoever they belong to;
 * - every batch holds the first item: the oldest of the lowest priority, or the oldest of all once it was passed over
 *   `mostPasses` times. So an item waits for at most as many takes as there are items before it, and however much of lower priority
 *   keeps coming, for at most `mostPasses` takes and one for each item that is older.
 */

export interface BatchPlanner<T> {
  /** Items waiting. */
  readonly size: number;
  /** Their tokens, without padding. */
  readonly tokens: number;
  /**
   * `tokens`: total tokens of the item; `priority`: lower goes first, equal ones by age. Throws a RangeError when the item
   * alone is above the budget.
   */
  add(item: T, tokens: number, priority?: number): void;
  /**
   * The best batch that holds the first item, shortest text first; [] when empty. A smaller working size may be given for
   * this take alone; an item above it goes by itself.
   */
  take(workingSize?: { maxPaddedTokens?: number; maxRows?: number }): T[];
  /** Everything that waits, in order; the planner is empty afterwards. */
  drain(): T[];
}

interface Entry<T> {
  item: T;
  tokens: number;
  priority: number;
  age: number;
  /** Number of takes when it was added. */
  since: number;
}

/** Whether so many texts of at most this length go into one request. */
type Fits = (longest: number, count: number) => boolean;

/** What waits in here is few batches' worth, so whoever was passed over this often is of an odd length among work of lower priority. */
const MOST_PASSES = 32;
/** What a token of padding costs, in useful tokens. At 4, texts within about a fifth of each other share a request. */
const PADDING_PRICE = 4;

export function createBatchPlanner<T>({
  maxPaddedTokens,
  maxRows,
  mostPasses = MOST_PASSES,
  classOf = () => 0,
}: {
  /** Longest text × rows of one batch at most, in tokens. */
  maxPaddedTokens: number;
  /** Rows of one batch at most. */
  maxRows: number;
  /** Takes that may pass an item over for others of lower priority. */
  mostPasses?: number;
  /** Class of a priority. Default: all are of one. */
  classOf?: (priority: number) => number;
}): BatchPlanner<T> {
  /** By tokens, then by age: a batch is a run of neighbours in here. */
  let sorted: Entry<T>[] = [];
  let waitingTokens = 0;
  let nextAge = 0;
  let takes = 0;

  function add(item: T, tokens: number, priority = 0): void {
    if (!(tokens >= 0 && tokens <= maxPaddedTokens)) {
      throw new RangeError(`an item of ${tokens} tokens never fits a batch of ${maxPaddedTokens}`);
    }
    sorted.splice(upperBound(tokens), 0, { item, tokens, priority, age: nextAge++, since: takes });
    waitingTokens += tokens;
  }

  /** The first place whose entry has more tokens. */
  function upperBound(tokens: number): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.tokens <= tokens) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function firstAt(): number {
    let at = 0;
    let oldest = 0;
    for (let i = 1; i < sorted.length; i++) {
      if (compare(sorted[i]!, sorted[at]!) < 0) at = i;
      if (sorted[i]!.age < sorted[oldest]!.age) oldest = i;
    }
    return takes - sorted[oldest]!.since >= mostPasses ? oldest : at;
  }

  /** The run of neighbours around the first entry with the most useful tokens, padding paid for. `sorted` by tokens. */
  function bestRun(sorted: readonly Entry<T>[], first: number, fits: Fits): Entry<T>[] {
    let best = { from: first, to: first };
    let bestScore = Number.NEGATIVE_INFINITY;
    let from = first;
    let useful = 0;
    // The run grows to the right; what no longer fits leaves on the left. First all that fits left of the first.
    while (from > 0 && fits(sorted[first]!.tokens, first - from + 2)) from--;
    for (let i = from; i < first; i++) useful += sorted[i]!.tokens;
    for (let to = first; to < sorted.length; to++) {
      const longest = sorted[to]!.tokens;
      useful += longest;
      while (from < first && !fits(longest, to - from + 1)) useful -= sorted[from++]!.tokens;
      if (to > first && !fits(longest, to - from + 1)) break;
      // Shorter texts on the left may cost more padding than they are worth.
      let kept = useful;
      for (let left = from; left <= first; left++) {
        const padded = longest * (to - left + 1);
        const score = kept - PADDING_PRICE * (padded - kept);
        if (score > bestScore) {
          bestScore = score;
          best = { from: left, to };
        }
        kept -= sorted[left]!.tokens;
      }
    }
    return sorted.slice(best.from, best.to + 1);
  }

  /** Those of other classes that a run has room for and that are worth their padding, the longest first. */
  function fillers(run: readonly Entry<T>[], others: readonly Entry<T>[], fits: Fits): Entry<T>[] {
    const longest = run.at(-1)!.tokens;
    const found: Entry<T>[] = [];
    for (const entry of others.toReversed()) {
      if (entry.tokens > longest) continue;
      if (entry.tokens <= PADDING_PRICE * (longest - entry.tokens)) break;
      if (!fits(longest, run.length + found.length + 1)) break;
      found.push(entry);
    }
    return found.reverse();
  }

  return {
    get size() {
      return sorted.length;
    },
    get tokens() {
      return waitingTokens;
    },
    add,
    take(workingSize = {}) {
      if (sorted.length === 0) return [];
      const paddedTokens = Math.min(maxPaddedTokens, workingSize.maxPaddedTokens ?? maxPaddedTokens);
      const rows = Math.max(1, Math.min(maxRows, workingSize.maxRows ?? maxRows));
      const fits: Fits = (longest, count) => count <= rows && (count === 1 || longest * count <= paddedTokens);
      const first = sorted[firstAt()]!;
      const alike: Entry<T>[] = [];
      const others: Entry<T>[] = [];
      for (const entry of sorted) {
        (classOf(entry.priority) === classOf(first.priority) ? alike : others).push(entry);
      }
      const run = bestRun(alike, alike.indexOf(first), fits);
      const taken = new Set([...run, ...fillers(run, others, fits)]);
      takes += 1;
      sorted = sorted.filter((entry) => !taken.has(entry));
      for (const { tokens } of taken) waitingTokens -= tokens;
      return [...taken].sort((a, b) => a.tokens - b.tokens).map(({ item }) => item);
    },
    drain() {
      const all = sorted.toSorted(compare).map(({ item }) => item);
      sorted = [];
      waitingTokens = 0;
      return all;
    },
  };
}

function compare<T>(a: Entry<T>, b: Entry<T>): number {
  return a.priority - b.priority || a.age - b.age;
}

/** What a request of these lengths costs an engine that pads: longest × rows. */
export function paddedTokens(lengths: readonly number[]): number {
  let longest = 0;
  for (const length of lengths) longest = Math.max(longest, length);
  return longest * lengths.length;
}
