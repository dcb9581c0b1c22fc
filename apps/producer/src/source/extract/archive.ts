/**
 * What a zip archive inflates to, found by inflating its XML into a bounded buffer: the sizes it declares are the author's word. Formats made of zip (DOCX) are checked
 * by it before a library that trusts those sizes opens them.
 */
import { constants, inflateRawSync } from 'node:zlib';
import { SluiceError } from '@sluice/core';

/** Signatures and sizes of the records, from PKWARE's APPNOTE, 4.3. */
const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const DIRECTORY_ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
const MOST_ENTRIES = 10_000;
/** The parts that are read as text. */
const text = /\.(?:xml|rels)$/i;

/** Throws `broken_document`, `encrypted_document`, `inflated_too_large`. */
export function checkArchive(bytes: Buffer, maxInflatedBytes: number): void {
  let inflated = 0;
  try {
    for (const entry of entriesOf(bytes)) {
      if ((entry.flags & ENCRYPTED) !== 0) {
        throw new SluiceError('encrypted_document', { message: 'A part of the archive is encrypted' });
      }
      if (!text.test(entry.name)) continue;
      inflated += inflatedSize(bytes, entry, maxInflatedBytes - inflated);
      if (inflated > maxInflatedBytes) throw tooLarge(maxInflatedBytes);
    }
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxInflatedBytes);
    throw new SluiceError('broken_document', { message: 'The archive is damaged', cause });
  }
}

interface Entry {
  name: string;
  flags: number;
  method: number;
  compressedBytes: number;
  headerAt: number;
}

/** Throws a RangeError where the records point out of the file. */
function* entriesOf(bytes: Buffer): Generator<Entry> {
  const end = bytes.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  if (end < 0 || end + END_BYTES + LONGEST_COMMENT < bytes.length || bytes.readUInt32LE(end) !== END_OF_DIRECTORY) {
    throw new SluiceError('broken_document', { message: 'The file is no whole zip archive' });
  }
  const count = bytes.readUInt16LE(end + 10);
  if (count > MOST_ENTRIES) throw tooLarge(MOST_ENTRIES, 'parts');
  let at = bytes.readUInt32LE(end + 16);
  for (let n = 0; n < count; n++) {
    if (bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw new SluiceError('broken_document', { message: "The archive's directory is damaged" });
    }
    const nameBytes = bytes.readUInt16LE(at + 28);
    yield {
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      compressedBytes: bytes.readUInt32LE(at + 20),
      headerAt: bytes.readUInt32LE(at + 42),
      name: bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes),
    };
    at += ENTRY_BYTES + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
}

function inflatedSize(bytes: Buffer, { headerAt, method, compressedBytes }: Entry, most: number): number {
  const start = headerAt + LOCAL_HEADER_BYTES + bytes.readUInt16LE(headerAt + 26) + bytes.readUInt16LE(headerAt + 28);
  const data = bytes.subarray(start, start + compressedBytes);
  if (method === STORED) return data.length;
  if (method !== DEFLATED) throw new SluiceError('broken_document', { message: 'The archive is packed in an odd way' });
  return inflateRawSync(data, { maxOutputLength: Math.max(1, most), finishFlush: constants.Z_FINISH }).length;
}

function tooLarge(most: number, unit = 'bytes'): SluiceError {
  return new SluiceError('inflated_too_large', {
    message: 'The archive inflates to more than a document may be',
    expected: `${most} ${unit} at most`,
  });
}
