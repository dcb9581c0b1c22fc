/**
 * The static embedding table: one row of int8 values for each of 60,000 XLM-R pieces. A vector is the mean of the rows of a
 * text's pieces, made unit length. File layout and how it was made: data/static-xlmr/README.md.
 */
import { brotliDecompressSync } from 'node:zlib';

export interface StaticTable {
  dimension: number;
  /** Adds up the pieces' rows into a unit vector at `out`; pieces without meaning only give the first unit vector. */
  embed(ids: ArrayLike<number>, out: Float32Array): void;
}

/** Ids 0–3 are specials and unknown: they count as nothing. */
const FIRST_PIECE = 4;

/** Reads the Brotli-compressed table. Throws an Error when it is not one: the file ships with the package. */
export function readStaticTable(compressed: Uint8Array): StaticTable {
  const file = brotliDecompressSync(compressed);
  const u32 = (at: number) => file.readUInt32LE(at);
  if (file.toString('latin1', 0, 4) !== 'SXLM' || u32(4) !== 1) throw new Error('not a static table of version 1');
  const count = u32(8);
  const dimension = u32(12);
  const vocabulary = u32(16);
  const unknownScale = file.readFloatLE(20);
  const scalesAt = 24 + 2 * count;
  const valuesAt = scalesAt + 4 * count;

  const rowOf = new Int32Array(vocabulary).fill(-1);
  const scales = new Float32Array(count);
  for (let row = 0, id = 0; row < count; row++) {
    id += file.readUInt16LE(24 + 2 * row);
    rowOf[id] = row;
    scales[row] = file.readFloatLE(scalesAt + 4 * row);
  }
  // The file is dimension-major, which compresses better; a lookup wants a piece's values side by side.
  const values = new Int8Array(count * dimension);
  const stored = new Int8Array(file.buffer, file.byteOffset + valuesAt, count * dimension);
  for (let d = 0; d < dimension; d++) {
    for (let row = 0, from = d * count; row < count; row++) values[row * dimension + d] = stored[from + row]!;
  }
  const sum = new Float64Array(dimension);

  /** A piece outside the table: pseudo-random signs made from its id, so that equal pieces still meet. */
  function addUnknown(id: number): void {
    let bits = 0;
    for (let d = 0; d < dimension; d++) {
      if ((d & 31) === 0) {
        bits = Math.imul(id ^ Math.imul((d >>> 5) + 1, 0x9e3779b1), 0x85ebca6b);
        bits ^= bits >>> 15;
        bits = Math.imul(bits, 0xc2b2ae35);
        bits ^= bits >>> 13;
      }
      sum[d]! += (bits >>> (d & 31)) & 1 ? unknownScale : -unknownScale;
    }
  }

  return {
    dimension,
    embed(ids, out) {
      sum.fill(0);
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i]!;
        if (id < FIRST_PIECE || id >= vocabulary) continue;
        const row = rowOf[id]!;
        if (row < 0) {
          addUnknown(id);
          continue;
        }
        const scale = scales[row]!;
        const from = row * dimension;
        for (let d = 0; d < dimension; d++) sum[d]! += scale * values[from + d]!;
      }
      let squares = 0;
      for (const value of sum) squares += value * value;
      if (squares === 0) {
        sum[0] = 1;
        squares = 1;
      }
      const factor = 1 / Math.sqrt(squares);
      for (let d = 0; d < dimension; d++) out[d] = sum[d]! * factor;
    },
  };
}
