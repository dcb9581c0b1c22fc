/**
 * The text of a PDF: its pages in order, each as the lines that pdf.js finds, in the order of the file. A gap wider than the page's usual one, or a step back up
 * (another column), makes a paragraph; pages follow one another as paragraphs do. The same file and version give the same text.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SluiceError } from '@sluice/core';

/** What is used of pdf.js. */
export interface PdfLibrary {
  getDocument(source: Record<string, unknown>): { promise: Promise<PdfDocument>; destroy(): Promise<void> };
}

interface PdfDocument {
  numPages: number;
  getPage(number: number): Promise<PdfPage>;
}

interface PdfPage {
  getTextContent(): Promise<{ items: PdfItem[] }>;
  cleanup(): boolean;
}

/** A run of text, or a mark of structure, which has none of these. `transform[5]` is the baseline, upwards. */
interface PdfItem {
  str?: string;
  hasEOL?: boolean;
  height?: number;
  transform?: number[];
}

interface Line {
  text: string;
  baseline: number;
  height: number;
}

const MOST_PAGES = 10_000;
/** A gap of so many usual ones parts paragraphs: text set solid has 1, a line left free 2. */
const WIDE = 1.35;

/** Throws `encrypted_document`, `broken_document`, `no_text_layer`, `extraction_stopped`. */
export async function pdfText(bytes: Uint8Array, library: PdfLibrary): Promise<string> {
  const folder = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
  const task = library.getDocument({
    data: bytes,
    verbosity: 0,
    disableFontFace: true,
    useSystemFonts: false,
    isEvalSupported: false,
    // Encodings of Chinese, Japanese and Korean fonts that are not in the file.
    cMapUrl: join(folder, 'cmaps/'),
    cMapPacked: true,
    standardFontDataUrl: join(folder, 'standard_fonts/'),
  });
  try {
    const document = await opened(task.promise);
    if (document.numPages > MOST_PAGES) {
      throw new SluiceError('extraction_stopped', {
        message: 'The PDF has too many pages',
        expected: `${MOST_PAGES} at most`,
        got: String(document.numPages),
      });
    }
    const pages: string[] = [];
    for (let number = 1; number <= document.numPages; number++) {
      const text = await pageText(document, number);
      if (text !== '') pages.push(text);
    }
    if (pages.length === 0) {
      throw new SluiceError('no_text_layer', {
        message: 'No page of the PDF has text',
        got: `${document.numPages} pages without text`,
      });
    }
    return pages.join('\n\n');
  } finally {
    await task.destroy();
  }
}

async function opened(loading: Promise<PdfDocument>): Promise<PdfDocument> {
  try {
    return await loading;
  } catch (cause) {
    if ((cause as Error).name === 'PasswordException') {
      throw new SluiceError('encrypted_document', { message: 'The PDF asks for a password', cause });
    }
    throw new SluiceError('broken_document', { message: 'The PDF is damaged', cause });
  }
}

async function pageText(document: PdfDocument, number: number): Promise<string> {
  try {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    page.cleanup();
    return paragraphs(linesOf(items));
  } catch (cause) {
    throw new SluiceError('broken_document', { message: `Page ${number} of the PDF is damaged`, cause });
  }
}

function linesOf(items: readonly PdfItem[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const { str = '', hasEOL = false, height = 0, transform } of items) {
    if (str.trim() !== '' && line === undefined) line = { text: '', baseline: transform?.[5] ?? 0, height };
    if (line !== undefined) line.text += str;
    if (!hasEOL || line === undefined) continue;
    lines.push(line);
    line = undefined;
  }
  if (line !== undefined) lines.push(line);
  return lines;
}

function paragraphs(lines: readonly Line[]): string {
  const gaps = lines.slice(1).map(({ baseline }, at) => lines[at]!.baseline - baseline);
  const down = gaps.filter((gap) => gap > 0).sort((a, b) => a - b);
  const usual = down[(down.length - 1) >> 1] ?? 0;
  return lines
    .map(({ text, height }, at) => {
      const gap = gaps[at - 1] ?? 0;
      const apart = gap > WIDE * Math.max(usual, height) || gap < -height;
      return `${at === 0 ? '' : apart ? '\n\n' : '\n'}${cleaned(text)}`;
    })
    .join('')
    .trim();
}

/** Without NUL, which fonts with broken tables give, and without halves of pairs. */
function cleaned(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().trimEnd();
}
