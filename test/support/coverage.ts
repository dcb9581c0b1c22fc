/** Whether slices give a text back: every character that is not blank, once. */
interface Slice {
  start: number;
  end: number;
}

/** Non-blank characters of the source that no slice covers. */
export function uncovered(source: string, slices: readonly Slice[]): string {
  let rest = '';
  let from = 0;
  for (const { start, end } of slices) {
    rest += source.slice(from, start);
    from = end;
  }
  return (rest + source.slice(from)).trim();
}

export function overlaps(slices: readonly Slice[]): boolean {
  return slices.some(({ start }, index) => index > 0 && start < slices[index - 1]!.end);
}

/** Between two vectors of one length, over all components. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} components against ${b.length}`);
  return Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));
}
