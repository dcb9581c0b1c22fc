/** Cheap unit vectors from a hash of the text: equal texts, equal vectors. For measuring everything around an engine. */
import { hash } from 'node:crypto';
import type { EmbedRequest, Engine } from './engine.ts';
import type { Profile } from './profile.ts';

export function createNullEngine({ profile, fullDimension }: { profile: Profile; fullDimension: number }): Engine {
  return {
    profile,
    fullDimension,
    where: 'in-process',
    embed: async ({ texts, signal }: EmbedRequest) => {
      signal?.throwIfAborted();
      return { vectors: texts.map((text) => nullVector(text, fullDimension)) };
    },
    close: async () => {},
  };
}

/** A unit vector of `dimension` components, made from SHA-1 of the text by xorshift128. */
export function nullVector(text: string, dimension: number): Float32Array {
  const seed = hash('sha1', text, 'buffer');
  let a = seed.readInt32LE(0);
  let b = seed.readInt32LE(4);
  let c = seed.readInt32LE(8);
  let d = seed.readInt32LE(12) | 1; // never all zero
  const vector = new Float32Array(dimension);
  let squares = 0;
  for (let i = 0; i < dimension; i++) {
    let t = a ^ (a << 11);
    t ^= t >>> 8;
    a = b;
    b = c;
    c = d;
    d = d ^ (d >>> 19) ^ t;
    // Odd, so no component is zero, and no cut is without a direction.
    const value = (d | 1) / 0x8000_0000;
    vector[i] = value;
    squares += value * value;
  }
  const factor = 1 / Math.sqrt(squares);
  for (let i = 0; i < dimension; i++) vector[i]! *= factor;
  return vector;
}
