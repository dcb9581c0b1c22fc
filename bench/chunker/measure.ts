/** CPU time of a piece of work, and what its chunks look like. */

export interface Result {
  name: string;
  /** Megabytes of input per second of CPU time (all threads of the process), one pass. */
  megabytesPerCpuSecond: number;
  chunks: number;
  meanTokens: number;
  /** Standard deviation. */
  spreadTokens: number;
  mostTokens: number;
  /** Chunks over the maximum. */
  over: number;
  /** Last chunks of documents with several that are under a quarter of the target. */
  tails: number;
  /** Documents whose chunks, at the places given, hold every non-blank character once. */
  whole: string;
}

export function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export async function cpuSecondsAsync(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** `perDocument`: token totals of each document's chunks. */
export function shape(perDocument: readonly number[][], target: number, max: number) {
  const all = perDocument.flat();
  const mean = all.reduce((sum, tokens) => sum + tokens, 0) / all.length;
  const variance = all.reduce((sum, tokens) => sum + (tokens - mean) ** 2, 0) / all.length;
  return {
    chunks: all.length,
    meanTokens: Math.round(mean),
    spreadTokens: Math.round(Math.sqrt(variance)),
    mostTokens: all.reduce((most, tokens) => Math.max(most, tokens), 0),
    over: all.filter((tokens) => tokens > max).length,
    tails: perDocument.filter((tokens) => tokens.length > 1 && tokens.at(-1)! < target / 4).length,
  };
}
