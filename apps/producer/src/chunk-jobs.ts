/** The jobs of one cut document: one for every chunk that is not stored yet. */
import type { CutDocument } from '@sluice/chunker';
import { type DocumentKey, type SourceDocument, totalTokens } from '@sluice/core';
import { type ChunkJob, chunkPriorities, type Prepared, type Priority } from '@sluice/queue';

export interface JobsOf {
  document: SourceDocument;
  key: DocumentKey;
  /** Content hash of the document. */
  hash: string;
  chunks: CutDocument['chunks'];
  prepared: Prepared;
  epoch: string;
  priority: Priority;
  run?: string;
}

/** The jobs and the place of each in the order of the queue. */
export function chunkJobs(of: JobsOf): Map<ChunkJob, number> {
  const { document, key, hash, chunks, prepared, epoch, priority, run } = of;
  const { revision, generation } = prepared;
  const missing = new Set(prepared.missing);
  const places = chunkPriorities(
    { tag: prepared.tag, priority },
    chunks.map(({ tokens }) => totalTokens(tokens)),
  );
  const jobs = chunks
    .filter((chunk) => missing.has(chunk.ordinal))
    .map((chunk): [ChunkJob, number] => [
      {
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
      },
      places[chunk.ordinal]!,
    ]);
  return new Map(jobs);
}
