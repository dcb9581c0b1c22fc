/** A thread that takes the text out of PDF and DOCX: bytes in, text out, one document at a time. Started by extractor.ts. */
import { parentPort } from 'node:worker_threads';
import { isSluiceError, SluiceError } from '@sluice/core';
import { type DocxLibrary, docxHtml } from './docx-html.ts';
import type { ExtractedName } from './extracted-format.ts';
import { type PdfLibrary, pdfText } from './pdf-text.ts';

export interface ExtractRequest {
  name: ExtractedName;
  module: string;
  bytes: Uint8Array;
  maxInflatedBytes: number;
}

/** The text, the library is not there, or the refusal as its code and parts. */
export type ExtractReply = { text: string } | { missing: true } | { refused: Record<string, unknown> };

parentPort!.on('message', async (request: ExtractRequest) => {
  parentPort!.postMessage(await answer(request));
});

async function answer(request: ExtractRequest): Promise<ExtractReply> {
  try {
    const library = await load(request.module);
    if (library === undefined) return { missing: true };
    return { text: await extract(request, library) };
  } catch (error) {
    const refusal = isSluiceError(error)
      ? error
      : new SluiceError('broken_document', { message: 'The document cannot be read', cause: error });
    return { refused: refusal.toJSON() };
  }
}

async function load(module: string): Promise<unknown> {
  try {
    return await import(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function extract({ name, bytes, maxInflatedBytes }: ExtractRequest, library: unknown): Promise<string> {
  switch (name) {
    case 'pdf':
      return pdfText(bytes, library as PdfLibrary);
    case 'docx':
      return docxHtml(Buffer.from(bytes), (library as { default: DocxLibrary }).default, maxInflatedBytes);
  }
}
