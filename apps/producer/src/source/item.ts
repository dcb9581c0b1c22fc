/** What reading yields: documents, and items that cost only themselves. */
import type { ErrorCode, SourceDocument, TextFormat } from '@sluice/core';

/** A source: a name that remembers its root. */
export interface SourceRoot {
  name: string;
  /** Absolute path, `-` for standard input. */
  root: string;
}

/** `path` or `path:line`, as a person would look for it. */
export interface ItemFault {
  where: string;
  code: ErrorCode;
  message: string;
  fix: string;
}

/** Named: the person wrote this path; met: it was found while walking. What is empty or of no known type is a fault only when named. */
export type Manner = 'named' | 'met';

export type SourceItem =
  | { type: 'document'; document: SourceDocument; where: string; source: SourceRoot; manner: Manner }
  /** Counted, not a failure: empty documents, unknown types and links met while walking. */
  | { type: 'skipped'; fault: ItemFault }
  /** Counted as failed; the run goes on and ends with exit code 3. */
  | { type: 'rejected'; fault: ItemFault };

/** How text is read: `ndjson` holds many documents, the others one. */
export type FileFormat = TextFormat | 'ndjson';

export interface ReadLimits {
  maxDocumentBytes: number;
  maxLineBytes: number;
}
