/**
 * The job of one chunk: it always carries its text, so that a worker needs nothing but the queue. Versioned: a job of a later
 * version is left for later workers, one that does not follow its schema is `malformed_job`.
 */
import { chunkId, type JsonValue, MAX_CHUNKS_PER_DOCUMENT, SluiceError } from '@sluice/core';
import { z } from 'zod';

const tokens = z.number().int().min(0).max(1_048_576);
const json: z.ZodType<JsonValue> = z.json();

export const chunkJobSchema = z.strictObject({
  v: z.literal(1),
  /** Document key: `d` and 20 hex characters. */
  key: z.string().regex(/^d[0-9a-f]{20}$/),
  /** Decimal microseconds, given by the ledger. */
  revision: z.string().regex(/^[1-9]\d{0,15}$/),
  ordinal: z
    .number()
    .int()
    .min(0)
    .max(MAX_CHUNKS_PER_DOCUMENT - 1),
  chunkCount: z.number().int().min(1).max(MAX_CHUNKS_PER_DOCUMENT),
  documentId: z.string().min(1),
  tenant: z.string().min(1).optional(),
  /** The stored text, untouched. */
  text: z.string(),
  /** What is put before `text` to make the embedded text. */
  context: z.string(),
  /** UTF-16 offsets into the source. */
  start: z.number().int().min(0),
  end: z.number().int().min(0),
  heading: z.array(z.string()),
  tokens: z.strictObject({ text: tokens, special: tokens, instruction: tokens }),
  /** Hash of the embedded text. */
  hash: z.string().length(22),
  /** Content hash of the document. */
  docHash: z.string().length(22),
  metadata: z.record(z.string(), json),
  /** Id of the run, for counts that the worker adds (tokens, engine requests). */
  run: z
    .string()
    .regex(/^r\d{1,15}$/)
    .optional(),
  /** Raised by a retry: part of the job's id, so that a job that is still kept never swallows the new one. */
  generation: z.number().int().min(0),
  /** Epoch of the collection that it was made for: another one means that the line was made anew. */
  epoch: z.string().min(1),
});

export type ChunkJob = z.infer<typeof chunkJobSchema>;

/**
 * The job in the queue, for a worker of the line whose collection has this epoch. Throws `malformed_job`, naming the field and
 * never its content, `epoch_changed` for a job that was made for another collection, and `newer_job` (to be handed back with a
 * delay) for one of a later version.
 */
export function parseChunkJob(data: unknown, epoch: string): ChunkJob {
  const parsed = chunkJobSchema.safeParse(data);
  if (parsed.success && parsed.data.epoch === epoch) return parsed.data;
  if (parsed.success) {
    throw new SluiceError('epoch_changed', {
      message: 'A job in the queue was made for another collection',
      expected: `epoch ${epoch}`,
      got: `epoch ${parsed.data.epoch.slice(0, 40)}`,
    });
  }
  const version = (data as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && version > 1) {
    throw new SluiceError('newer_job', { message: `The job is of version ${version}`, expected: 'version 1' });
  }
  const issue = parsed.error.issues[0];
  throw new SluiceError('malformed_job', {
    message: 'The job does not follow the schema of chunk jobs',
    where: issue === undefined || issue.path.length === 0 ? 'job' : `job.${issue.path.join('.')}`,
    got: issue?.code,
  });
}

/** Primary key of the row. */
export function chunkIdOf(job: Pick<ChunkJob, 'key' | 'revision' | 'ordinal'>): string {
  return chunkId(job.key, job.revision, job.ordinal);
}

export function jobId(job: Pick<ChunkJob, 'key' | 'revision' | 'ordinal' | 'generation'>): string {
  return `${chunkIdOf(job)}-${job.generation}`;
}
