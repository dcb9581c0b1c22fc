/**
 * From the items of a reply to checked vectors. All vectors of a reply share one buffer, and base64 is decoded straight into
 * it: one copy, and no view of Node's pooled buffers, which need not be aligned for float32.
 */
import { endianness } from 'node:os';
import { SluiceError } from '@sluice/core';

export interface VectorRules {
  dimension: number;
  /** Refuse vectors whose length is off 1 by more than 1 %: the reply is not what was asked for. Zero is let through. */
  unitNorm: boolean;
  where: string;
}

export const NORM_TOLERANCE = 0.01;
const swap = endianness() === 'BE';

/**
 * `items`: base64 of little-endian float32, an array of numbers, or null, one a text. An item that is null, or holds a
 * null, NaN or infinite component, becomes null: it costs itself, not its batch.
 * Throws `wrong_dimension`, `not_normalised`, or `engine_bad_reply` for anything else that is not a vector.
 */
export function readVectors(items: readonly unknown[], rules: VectorRules): (Float32Array | null)[] {
  const { dimension } = rules;
  const buffer = new ArrayBuffer(items.length * dimension * 4);
  return items.map((item, row) => {
    const vector = new Float32Array(buffer, row * dimension * 4, dimension);
    if (item === null) return null;
    if (typeof item === 'string') decodeBase64(item, vector, rules);
    else if (Array.isArray(item)) {
      if (!copyNumbers(item, vector, rules)) return null;
    } else throw badItem(rules, typeof item);
    return finiteUnit(vector, rules) ? vector : null;
  });
}

function decodeBase64(text: string, vector: Float32Array, rules: VectorRules): void {
  // A base64 text of n characters, padding taken off, holds floor(3n/4) bytes.
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Math.floor(((text.length - padding) * 3) / 4);
  if (bytes !== vector.byteLength) {
    if (bytes % 4 === 0) throw wrongDimension(rules, bytes / 4);
    throw badItem(rules, `base64 of ${bytes} bytes`);
  }
  const target = Buffer.from(vector.buffer as ArrayBuffer, vector.byteOffset, vector.byteLength);
  // Node skips what is not base64, so fewer bytes written means there was some.
  if (target.write(text, 'base64') !== vector.byteLength) throw badItem(rules, 'text that is not base64');
  if (swap) target.swap32();
}

/** False when a component is null: Python's JSON writers turn NaN into it. */
function copyNumbers(numbers: readonly unknown[], vector: Float32Array, rules: VectorRules): boolean {
  if (numbers.length !== vector.length) throw wrongDimension(rules, numbers.length);
  let whole = true;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    if (typeof value === 'number') vector[i] = value;
    else if (value === null) whole = false;
    else throw badItem(rules, `a component that is a ${typeof value}`);
  }
  return whole;
}

/** False when a component is NaN or infinite. The sum runs in float64, where no finite float32 overflows. */
function finiteUnit(vector: Float32Array, rules: VectorRules): boolean {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  if (!Number.isFinite(squares)) return false;
  const length = Math.sqrt(squares);
  if (rules.unitNorm && length !== 0 && Math.abs(length - 1) > NORM_TOLERANCE) {
    throw new SluiceError('not_normalised', {
      message: 'The engine returns vectors that are not of unit length, although the profile promises it',
      where: rules.where,
      expected: `length 1 within ${NORM_TOLERANCE}`,
      got: length.toPrecision(4),
    });
  }
  return true;
}

function wrongDimension({ dimension, where }: VectorRules, got: number): SluiceError {
  return new SluiceError('wrong_dimension', {
    message: "The engine's vectors have the wrong dimension",
    where,
    expected: String(dimension),
    got: String(got),
  });
}

function badItem({ where }: VectorRules, got: string): SluiceError {
  return new SluiceError('engine_bad_reply', {
    message: 'An embedding in the reply is not a vector',
    where,
    expected: 'base64 of float32 or an array of numbers',
    got,
  });
}
