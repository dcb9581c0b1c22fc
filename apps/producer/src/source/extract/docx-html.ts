/**
 * A Word document as HTML: its styles become headings, lists and tables, which the chunker then reads as it reads a page. Pictures are left out. What the archive
 * inflates to is checked before the library sees it.
 */
import { SluiceError } from '@sluice/core';
import { checkArchive } from './archive.ts';

/** What is used of mammoth. */
export interface DocxLibrary {
  convertToHtml(input: { buffer: Buffer }, options: Record<string, unknown>): Promise<{ value: string }>;
  images: { imgElement(read: () => Promise<{ src: string }>): unknown };
}

/** Word's container when a document has a password, and the format before 2007. */
const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

/** Throws `encrypted_document`, `broken_document`, `inflated_too_large`. */
export async function docxHtml(bytes: Buffer, library: DocxLibrary, maxInflatedBytes: number): Promise<string> {
  if (bytes.subarray(0, 4).equals(COMPOUND_FILE)) {
    throw new SluiceError('encrypted_document', {
      message: "The document has a password, or is in Word's format before 2007",
    });
  }
  checkArchive(bytes, maxInflatedBytes);
  const convertImage = library.images.imgElement(async () => ({ src: '' }));
  try {
    const { value } = await library.convertToHtml({ buffer: bytes }, { convertImage });
    return value;
  } catch (cause) {
    throw new SluiceError('broken_document', { message: 'The Word document is damaged', cause });
  }
}
