/**
 * A submission: one whole document, handed in through the queue. Versioned and documented, because services in other
 * languages write it: docs/schemas/submission.v1.json is this schema. A job of a later version is left for later consumers, one
 * that does not follow its schema is `malformed_job`.
 */
import { type JsonValue, MAX_ID_BYTES, MAX_TENANT_BYTES, SluiceError, textFormats } from '@sluice/core';
import { z } from 'zod';

const json: z.ZodType<JsonValue> = z.json();

/** What a document is when it is handed in; the same over HTTP. Limits in bytes are checked where it is read. */
export const documentFields = {
  id: z
    .string()
    .min(1)
    .max(MAX_ID_BYTES)
    .describe(`Stable name of the document, at most ${MAX_ID_BYTES} bytes of UTF-8, no control characters.`),
  text: z.string().describe('The document as it is written.'),
  format: z.enum(textFormats).optional().describe('How it is written; decides how it is cut. Default text.'),
  title: z.string().max(1_024).optional().describe('Put before the embedded text of every chunk.'),
  metadata: z
    .record(z.string(), json)
    .optional()
    .describe('Stored with every chunk: at most 16 KiB of JSON, large integers as strings.'),
  tenant: z
    .string()
    .min(1)
    .max(MAX_TENANT_BYTES)
    .optional()
    .describe('Owner. The same id under two tenants is two documents.'),
};

/** `live` goes before `bulk`. */
export const priorities = ['live', 'bulk'] as const;
export type Priority = (typeof priorities)[number];

export const submissionSchema = z.strictObject({
  v: z.literal(1).describe('Version of this schema. Jobs of a later one are left for later consumers.'),
  ...documentFields,
  priority: z
    .enum(priorities)
    .optional()
    .describe(
      'live (the default) goes before bulk; set the job option `priority` to 1 for live and 1048576 for bulk as well: the job goes to its place in the order when a consumer first sees it.',
    ),
  submission: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Idempotency key: the same one for the same document is one submission, however often it is added.'),
  revision: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .optional()
    .describe(
      'Only from services that drew it from the ledger when they accepted the document. Without it documents are ordered by the time at which their jobs were added.',
    ),
});

export type Submission = z.infer<typeof submissionSchema>;

/**
 * Throws `malformed_job`, naming the field and never its content, and `newer_job` for a later version.
 */
export function parseSubmission(data: unknown): Submission {
  const parsed = submissionSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const version = (data as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && Number.isInteger(version) && version > 1) {
    throw new SluiceError('newer_job', { message: `The submission is of version ${version}`, expected: 'version 1' });
  }
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || (issue?.code === 'unrecognized_keys' ? 'an unknown field' : '');
  throw new SluiceError('malformed_job', {
    message: 'The job does not follow the schema of submissions',
    where: field === '' ? 'job' : `job, ${field}`,
    got: issue?.code,
    fix: 'Add it again in the form of docs/schemas/submission.v1.json.',
  });
}

/** docs/schemas/submission.v1.json. */
export function submissionJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(submissionSchema, { io: 'input' });
  return {
    $schema,
    $id: 'urn:sluice:submission:v1',
    title: 'A document for Sluice, as the data of a BullMQ job',
    description:
      'Queue `submissions`, prefix `{sluice:LINE}`, job name `document`. A job that does not follow this fails with its reason.',
    ...schema,
  };
}
