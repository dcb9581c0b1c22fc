/** What every benchmark reports: figures, each with its runs, on a machine and a configuration that are named. */

export interface Figure {
  /** What was measured, in words; a comma separates it from its contender or setting. */
  name: string;
  unit: string;
  /** One value a round; minimum, median and maximum are shown. */
  runs: number[];
  /** What Sluice promises of the median. */
  limit?: { atLeast: number } | { atMost: number };
  /** What it is compared with: run in the same minutes, or quoted with its source. */
  baseline?: true | { source: string };
}

/** A course over time, for a plot. */
export interface Course {
  name: string;
  unit: string;
  /** Pairs of x and y. */
  points: [number, number][];
}

export interface Measured {
  configuration: Record<string, string | number>;
  figures: Figure[];
  remarks?: string[];
  courses?: Course[];
}

export interface Report extends Measured {
  bench: string;
  /** What the figures answer. */
  question: string;
  form: 'full' | 'short';
  machine: Machine;
  /** Seconds that the benchmark took. */
  seconds: number;
  /** Date of the run. */
  date: string;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  /** Load averages when the benchmark began: figures of wall-clock time need a quiet machine. */
  load: number[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Undefined where nothing is promised. */
export function held({ runs, limit }: Figure): boolean | undefined {
  if (limit === undefined) return undefined;
  const value = median(runs);
  return 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost;
}
