/** Parameters that several routes share. */
import type { Readable } from 'node:stream';
import { MAX_ID_BYTES, MAX_TENANT_BYTES } from '@sluice/core';
import { priorities } from '@sluice/queue';
import { z } from 'zod';

export const lineParameter = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/)
  .describe('Name of the line.');
export const documentParameter = z.string().min(1).max(MAX_ID_BYTES).describe('Id of the document, percent-encoded.');
export const runParameter = z
  .string()
  .regex(/^r\d{1,15}$/)
  .describe('Id of a run.');

export const tenantQuery = z.strictObject({
  tenant: z
    .string()
    .min(1)
    .max(MAX_TENANT_BYTES)
    .optional()
    .describe("Owner of the document. A key that belongs to a tenant needs none and may name no other's."),
});

export const priorityQuery = z.strictObject({
  priority: z.enum(priorities).optional().describe('live goes before bulk.'),
});

export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The same key sends the same request again: it is accepted once. Kept for a day.'),
});

export const bearer = [{ bearer: [] }];

/** Answers that are sent as they arise: text or events in the document, a stream in the code. */
export const textStream = z.custom<Readable>().meta({ type: 'string' });
export const eventStream = z.custom<Readable>().meta({ type: 'object', properties: { event: { type: 'string' } } });
