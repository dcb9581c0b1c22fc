/**
 * SentencePiece's precompiled normalisation table: a byte trie (Darts double array) whose values point into a blob of
 * zero-terminated replacements. Read as the reference reads it, `spm_precompiled`: the *shortest* key that begins the input
 * wins and the rest of the input is dropped. That looks wrong, and it is what every Rust-based engine does.
 */
import { Buffer } from 'node:buffer';
import { SluiceError } from '@sluice/core/errors';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Charsmap {
  readonly #units: Uint32Array;
  readonly #blob: Uint8Array;

  /** Throws `bad_tokenizer` when the table's own lengths do not fit. */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, 'base64');
    const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
    if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length) {
      throw new SluiceError('bad_tokenizer', { message: 'The precompiled_charsmap of the tokenizer is damaged' });
    }
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, unit) => bytes.readUInt32LE(4 + unit * 4));
    this.#blob = bytes.subarray(4 + trieBytes);
  }

  /** The replacement of `utf8` (one grapheme or one character), or undefined when no key begins it. */
  replacement(utf8: Uint8Array): string | undefined {
    const units = this.#units;
    let node = offsetOf(units[0]!);
    for (const byte of utf8) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = units[node];
      // A label is compared with the leaf flag (bit 31) included, so that a value never passes for a label.
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.#text(units[node]! & 0x7fffffff);
    }
    return undefined;
  }

  #text(from: number): string {
    const end = this.#blob.indexOf(0, from);
    return decoder.decode(this.#blob.subarray(from, end < 0 ? undefined : end));
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
