/**
 * Bytes to text, or the exact reason why not. A byte order mark is stripped at the start; UTF-16 and UTF-32 are recognised
 * by theirs or by their NUL pattern; a file with NUL bytes or a known magic number is binary.
 */
import { isUtf8 } from 'node:buffer';
import { SluiceError } from '@sluice/core';

const magics: readonly [name: string, bytes: readonly number[]][] = [
  ['PDF', [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ['zip (also DOCX, XLSX, EPUB)', [0x50, 0x4b, 0x03, 0x04]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['PNG', [0x89, 0x50, 0x4e, 0x47]],
  ['JPEG', [0xff, 0xd8, 0xff]],
  ['GIF', [0x47, 0x49, 0x46, 0x38]],
  ['ELF program', [0x7f, 0x45, 0x4c, 0x46]],
  ['Parquet', [0x50, 0x41, 0x52, 0x31]],
  ['SQLite database', [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65]],
];

/** Throws `unsupported_type`, `unsupported_encoding` or `invalid_utf8` (with the byte offset). */
export function decodeText(bytes: Buffer): string {
  const head = bytes.subarray(0, 4);
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return decodeText(bytes.subarray(3));
  const wide = wideEncoding(bytes);
  if (wide !== undefined)
    throw new SluiceError('unsupported_encoding', { message: `The file is ${wide}`, expected: 'UTF-8' });
  const magic = magics.find(([, magicBytes]) => magicBytes.every((byte, index) => bytes[index] === byte));
  if (magic !== undefined)
    throw new SluiceError('unsupported_type', { message: `The content is ${magic[0]}, not text` });
  if (bytes.subarray(0, 8_192).includes(0))
    throw new SluiceError('unsupported_type', { message: 'The content is binary (it has NUL bytes)' });
  if (!isUtf8(bytes)) {
    throw new SluiceError('invalid_utf8', {
      message: 'The file is not valid UTF-8',
      got: `an invalid byte at offset ${firstInvalidByte(bytes)}`,
    });
  }
  return bytes.toString('utf8');
}

function wideEncoding(bytes: Buffer): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return 'UTF-32, little-endian';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32, big-endian';
  if (a === 0xff && b === 0xfe) return 'UTF-16, little-endian';
  if (a === 0xfe && b === 0xff) return 'UTF-16, big-endian';
  const sample = bytes.subarray(0, 512);
  if (!sample.includes(0)) return undefined;
  let even = 0;
  let odd = 0;
  for (const [index, byte] of sample.entries()) if (byte === 0) index % 2 === 0 ? even++ : odd++;
  const half = sample.length / 2;
  if (half >= 4 && odd > half * 0.6 && even < half * 0.05) return 'UTF-16, little-endian, without a byte order mark';
  if (half >= 4 && even > half * 0.6 && odd < half * 0.05) return 'UTF-16, big-endian, without a byte order mark';
  return undefined;
}

/**
 * The length of the longest valid prefix. `isUtf8` of a prefix also fails by cutting a character, so the search is for the
 * last end that is valid within three bytes, which is monotone.
 */
function firstInvalidByte(bytes: Buffer): number {
  const validWithin3 = (end: number): number | undefined =>
    [0, 1, 2, 3].map((cut) => Math.max(0, end - cut)).find((length) => isUtf8(bytes.subarray(0, length)));
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (validWithin3(middle) === undefined) high = middle - 1;
    else low = middle;
  }
  return validWithin3(low) ?? 0;
}
