/** Bodies with documents: their schema, and the checks that a schema cannot say, with pointers to what is wrong. */
import { contentHash, type ErrorCode, isSluiceError, SluiceError, type SourceDocument } from '@sluice/core';
import { documentFields } from '@sluice/queue';
import { z } from 'zod';
import { toDocument } from '../../source/parse-record.ts';
import type { Caller } from '../caller.ts';
import { FieldError } from '../problem.ts';

/** More go through `documents:stream`. */
const MAX_DOCUMENTS = 1_000;

const documentSchema = z.strictObject(documentFields).meta({ id: 'Document' });
type DocumentBody = z.infer<typeof documentSchema>;

export const documentsBodySchema = z
  .union([documentSchema, z.strictObject({ documents: z.array(documentSchema).min(1).max(MAX_DOCUMENTS) })])
  .meta({ id: 'Documents', description: 'One document, or several; all of them are accepted or none.' });

const fieldByCode: Partial<Record<ErrorCode, string>> = {
  invalid_id: 'id',
  invalid_tenant: 'tenant',
  invalid_metadata: 'metadata',
  malformed_unicode: 'text',
  empty_document: 'text',
  document_too_large: 'text',
  duplicate_id: 'id',
};

/**
 * The documents, each with the caller's tenant. Throws a refusal that points to every field at fault, `document_too_large`, and
 * `forbidden` for another tenant's.
 */
export function documentsOf(
  body: z.infer<typeof documentsBodySchema>,
  { caller, maxBytes }: { caller: Caller; maxBytes: number },
): SourceDocument[] {
  const many = 'documents' in body;
  const bodies = many ? body.documents : [body];
  const faults: { code: ErrorCode; pointer: string; detail: string }[] = [];
  /** Content hashes. */
  const contents = new Map<string, string>();
  const documents = bodies.flatMap((given, index) => {
    try {
      const document = documentOf(given, { caller, maxBytes });
      refuseOtherTwin(document, contents);
      return [document];
    } catch (error) {
      if (!isSluiceError(error) || error.verdict !== 'dead' || error.code === 'forbidden') throw error;
      const base = many ? `#/documents/${index}` : '#';
      const detail = error.got === undefined ? error.what : `${error.what}; got ${error.got}`;
      faults.push({ code: error.code, pointer: `${base}/${fieldByCode[error.code] ?? ''}`, detail });
      return [];
    }
  });
  if (faults.length === 0) return documents;
  const codes = new Set(faults.map(({ code }) => code));
  const code = codes.size === 1 ? faults[0]!.code : 'invalid_request';
  throw new FieldError(
    code,
    faults.map(({ pointer, detail }) => ({ pointer, detail })),
  );
}

/** One document, checked. Throws what is wrong with it. */
export function documentOf(
  given: DocumentBody | SourceDocument,
  { caller, maxBytes }: { caller: Caller; maxBytes: number },
): SourceDocument {
  const tenant = tenantOf(caller, given.tenant);
  const document = toDocument({ ...given, tenant });
  const bytes = Buffer.byteLength(document.text);
  if (bytes > maxBytes) {
    throw new SluiceError('document_too_large', {
      message: 'The document is larger than a document may be',
      expected: `at most ${maxBytes} bytes`,
      got: `${bytes} bytes`,
    });
  }
  if (!/\S/.test(document.text)) throw new SluiceError('empty_document', { message: 'The document has no text' });
  return document;
}

/** The tenant that a request is about. Throws `forbidden` for a tenant that is not the caller's. */
export function tenantOf({ name, tenant }: Caller, asked: string | undefined): string | undefined {
  if (tenant === undefined) return asked;
  if (asked === undefined || asked === tenant) return tenant;
  throw new SluiceError('forbidden', {
    message: `The key ${name} is for another tenant`,
    expected: `tenant ${tenant}`,
  });
}

/** The same id twice in one request is one document or a mistake. */
function refuseOtherTwin(document: SourceDocument, contents: Map<string, string>): void {
  const { id, tenant = '' } = document;
  const name = JSON.stringify([tenant, id]);
  const content = contentHash(document);
  const before = contents.get(name);
  if (before !== undefined && before !== content) {
    throw new SluiceError('duplicate_id', { message: 'The id came before in this request with other content' });
  }
  contents.set(name, content);
}
