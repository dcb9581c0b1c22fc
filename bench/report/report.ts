/** What every benchmark reports: figures, each with its runs, on a machine and a configuration that are named. */

export interface Figure {
  /** What was measured, in words; a comma separates it from its contender or setting. */
  name: string;
  unit: string;
  /** One value a round; minimum, median and maximum are shown. */
  runs: number[];
  /** What Sluice promises: of the median, or of every run where one that misses it is one too many. */
  limit?: Limit;
  /** What it is compared with: run in the same minutes, or quoted with its source. */
  baseline?: true | { source: string };
}

export type Limit = ({ atLeast: number } | { atMost: number }) & { everyRun?: true };

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
  /** What was measured, and with what: Sluice's commit, servers, libraries. Reports before there were any have none. */
  versions?: Record<string, string>;
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
  if ('atLeast' in limit) return (limit.everyRun ? Math.min(...runs) : median(runs)) >= limit.atLeast;
  return (limit.everyRun ? Math.max(...runs) : median(runs)) <= limit.atMost;
}
