/** The jobs of one cut document: one for every chunk that is not stored yet. */
import type { CutDocument } from '@sluice/chunker';
import type { DocumentKey, SourceDocument } from '@sluice/core';
import type { ChunkJob, Prepared } from '@sluice/queue';

export interface JobsOf {
  document: SourceDocument;
  key: DocumentKey;
  /** Content hash of the document. */
  hash: string;
  chunks: CutDocument['chunks'];
  prepared: Prepared;
  epoch: string;
  run?: string;
}

export function chunkJobs({ document, key, hash, chunks, prepared, epoch, run }: JobsOf): ChunkJob[] {
  const { revision, generation } = prepared;
  const missing = new Set(prepared.missing);
  return chunks
    .filter((chunk) => missing.has(chunk.ordinal))
    .map((chunk) => ({
      v: 1,
      key,
      revision,
      ordinal: chunk.ordinal,
      generation,
      chunkCount: chunks.length,
      documentId: document.id,
      ...(document.tenant !== undefined && { tenant: document.tenant }),
      text: chunk.text,
      context: chunk.context,
      start: chunk.start,
      end: chunk.end,
      heading: chunk.heading,
      tokens: chunk.tokens,
      hash: chunk.hash,
      docHash: hash,
      metadata: document.metadata,
      ...(run !== undefined && { run }),
      epoch,
    }));
}
