/** Matryoshka: the first components of a vector are a smaller vector of the same space. */
import { SluiceError } from '@sluice/core';

/**
 * The first `dimension` components, made unit length again. The sum of squares runs in float64: a float32 sum of 1,024
 * squares is off by up to 1e-5, which inner-product search would see. Returns a copy, never a view.
 * Throws `zero_vector` when nothing but zeros is left, `bad_vector` when a component is not finite.
 */
export function cutVector(full: Float32Array, dimension: number): Float32Array {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > full.length) {
    throw new RangeError(`cannot cut a vector of ${full.length} components to ${dimension}`);
  }
  let squares = 0;
  for (let i = 0; i < dimension; i++) squares += full[i]! * full[i]!;
  if (squares === 0)
    throw new SluiceError('zero_vector', { message: `The first ${dimension} components are all zero` });
  if (!Number.isFinite(squares)) throw new SluiceError('bad_vector', { message: 'A component is not a finite number' });
  const factor = 1 / Math.sqrt(squares);
  const cut = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) cut[i] = full[i]! * factor;
  return cut;
}

/** Cosine of two vectors of equal length, in float64. NaN when one of them is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}
