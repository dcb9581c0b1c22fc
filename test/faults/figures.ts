/** Percentiles of what was measured, nearest rank. */
export interface Spread {
  n: number;
  p50: number;
  p95: number;
  max: number;
}

/** Undefined where nothing was measured. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export function inSeconds(spread: Spread | undefined): string {
  if (spread === undefined) return 'nothing to measure';
  return `p50 ${seconds(spread.p50)}, p95 ${seconds(spread.p95)}, max ${seconds(spread.max)} (${spread.n})`;
}
