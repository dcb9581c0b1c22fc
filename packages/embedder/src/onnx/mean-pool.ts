/**
 * Mean over attended tokens, then unit length. The sum runs in float64: the reference pools in fp32 or better, and a sum of
 * 4,000 float32 values is off by up to 1e-5.
 */
export function meanPool({
  states,
  lengths,
  dimension,
  rowOf,
  out,
}: {
  /** Batch × longest × dimension. */
  states: Float32Array;
  /** Attended tokens of each row; they come first, padding after. */
  lengths: readonly number[];
  dimension: number;
  /** Where each row of the batch belongs in `out`. */
  rowOf: readonly number[];
  out: Float32Array;
}): void {
  const longest = states.length / (lengths.length * dimension);
  const sum = new Float64Array(dimension);
  lengths.forEach((length, row) => {
    sum.fill(0);
    let at = row * longest * dimension;
    for (let token = 0; token < length; token++) {
      for (let d = 0; d < dimension; d++) sum[d]! += states[at++]!;
    }
    let squares = 0;
    for (const value of sum) squares += value * value;
    // The mean's own length does not matter: it is made 1. A zero sum stays zero, and is named when it is cut.
    const factor = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    const to = rowOf[row]! * dimension;
    for (let d = 0; d < dimension; d++) out[to + d] = sum[d]! * factor;
  });
}
