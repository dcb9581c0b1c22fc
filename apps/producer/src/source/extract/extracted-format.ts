/**
 * Formats whose text has to be taken out by a library that is optional at install. Without the library such a file is refused with
 * `reader_not_installed` and the command that installs it; nothing else changes.
 */
import type { TextFormat } from '@sluice/core';

export interface ExtractedFormat {
  /** npm package and exact version; a test keeps them equal to the manifest's optional dependencies. */
  library: string;
  version: string;
  /** What the thread imports. */
  module: string;
  /** What comes out. */
  format: TextFormat;
}

export const extractedFormats = {
  /** Mozilla's own: it reads fonts, encodings and damaged files as Firefox does. */
  pdf: { library: 'pdfjs-dist', version: '6.5.438', module: 'pdfjs-dist/legacy/build/pdf.mjs', format: 'text' },
  /** Word's styles to HTML: headings, lists and tables, which are then read as those of any page. */
  docx: { library: 'mammoth', version: '1.13.0', module: 'mammoth', format: 'html' },
} as const satisfies Record<string, ExtractedFormat>;

export type ExtractedName = keyof typeof extractedFormats;

/** To be run in the folder of Sluice. */
export function installCommand({ library, version }: ExtractedFormat): string {
  return `npx pnpm@12.21.0 add --filter @sluice/producer --save-optional ${library}@${version}`;
}
