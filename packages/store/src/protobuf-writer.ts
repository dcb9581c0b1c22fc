/**
 * Protobuf into a buffer of exactly the right size: sizes are computed first, so nothing is copied twice or grown. Lengths are in
 * bytes. Only what an upsert needs: varints, length-delimited fields, strings, packed floats.
 */
import { endianness } from 'node:os';

export const VARINT = 0;
export const BYTES = 2;

/** Bytes of an integer from 0 to 2^53 - 1. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Bytes of a length-delimited field: tag, length and content. */
export function fieldSize(field: number, contentBytes: number): number {
  return varintSize(field << 3) + varintSize(contentBytes) + contentBytes;
}

export class ProtobufWriter {
  readonly #buffer: Buffer;
  #at = 0;

  /** Fills exactly this memory. */
  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** From 0 to 2^53 - 1; a bigint from 0 to 2^64 - 1. */
  varint(value: number | bigint): void {
    if (typeof value === 'bigint') {
      for (; value > 127n; value >>= 7n) this.#buffer[this.#at++] = Number(value & 127n) | 128;
      this.#buffer[this.#at++] = Number(value);
      return;
    }
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#buffer[this.#at++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) this.#buffer[this.#at++] = (rest & 127) | 128;
    this.#buffer[this.#at++] = rest;
  }

  tag(field: number, wire: typeof VARINT | typeof BYTES): void {
    this.varint((field << 3) | wire);
  }

  /** Tag and length of a field whose content of so many bytes is written next. */
  open(field: number, contentBytes: number): void {
    this.tag(field, BYTES);
    this.varint(contentBytes);
  }

  /** A whole string field; `bytes` is its length in UTF-8. */
  string(field: number, text: string, bytes: number): void {
    this.open(field, bytes);
    this.#buffer.write(text, this.#at, bytes, 'utf8');
    this.#at += bytes;
  }

  /** Packed floats are little-endian float32: on all common machines the memory of a Float32Array. */
  floats(values: Float32Array): void {
    const start = this.#at;
    this.#buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start);
    this.#at += values.byteLength;
    if (endianness() === 'BE') this.#buffer.subarray(start, this.#at).swap32();
  }

  /** Throws RangeError when the sizes were not those of what was written: a defect, never to be sent. */
  finish(): Buffer {
    if (this.#at !== this.#buffer.length) throw new RangeError(`wrote ${this.#at} of ${this.#buffer.length} bytes`);
    return this.#buffer;
  }
}
