/**
 * Half precision as ONNX Runtime hands it over: a Float16Array where Node has that type (24), the bare bits in a Uint16Array where it
 * has not (22).
 */

/** IEEE 754 binary16 in 16-bit integers, or in an array type that reads it by itself. */
export type HalfBits = Uint16Array | (ArrayLike<number> & { readonly BYTES_PER_ELEMENT: number });

let table: Float32Array | undefined;

/** Exact: every half is a float32. */
export function float32Of(halves: HalfBits): Float32Array {
  if (!(halves instanceof Uint16Array)) return Float32Array.from(halves);
  table ??= Float32Array.from({ length: 65_536 }, (_, bits) => numberOf(bits));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

/** 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function numberOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
}
