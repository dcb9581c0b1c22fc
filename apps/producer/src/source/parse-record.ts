/**
 * One NDJSON record to a document. Depth is checked before parsing (`JSON.stringify` dies on nesting that `JSON.parse`
 * accepts); reserved keys and numbers that JSON cannot carry exactly are refused rather than changed.
 */
import {
  MAX_ID_BYTES,
  MAX_TENANT_BYTES,
  type Metadata,
  SluiceError,
  type SourceDocument,
  textFormats,
} from '@sluice/core';
import { z } from 'zod';

const MAX_DEPTH = 32;
const MAX_METADATA_BYTES = 16_384;
const reservedKeys = new Set(['__proto__', 'constructor', 'prototype']);

const recordSchema = z.strictObject({
  id: z.string(),
  text: z.string(),
  title: z.string().optional(),
  format: z.enum(textFormats).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  tenant: z.string().optional(),
});

type DocumentRecord = z.infer<typeof recordSchema>;

/** Throws `broken_ndjson`, `too_deep`, `invalid_id`, `invalid_tenant`, `invalid_metadata` or `malformed_unicode`. */
export function parseRecord(json: string): SourceDocument {
  checkDepth(json);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new SluiceError('broken_ndjson', { message: 'The line is not JSON' });
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new SluiceError('broken_ndjson', { message: `${issue.path.join('.') || 'the record'}: ${issue.message}` });
  }
  // As parsed by JSON, because the schema's copy has lost a key called __proto__.
  return toDocument({ ...parsed.data, metadata: (value as DocumentRecord).metadata });
}

/** A record of the right form as a document. Throws `invalid_id`, `invalid_tenant`, `invalid_metadata` or `malformed_unicode`. */
export function toDocument({ id, text, title, format, metadata = {}, tenant }: DocumentRecord): SourceDocument {
  checkId(id);
  if (tenant !== undefined) checkTenant(tenant);
  checkMetadata(metadata);
  checkUnicode(text, 'text');
  if (title !== undefined) checkUnicode(title, 'title');
  return {
    id,
    text,
    format: format ?? 'text',
    metadata: metadata as Metadata,
    ...(title !== undefined && title !== '' && { title }),
    ...(tenant !== undefined && { tenant }),
  };
}

export function checkId(id: string): void {
  const bytes = Buffer.byteLength(id);
  if (bytes < 1 || bytes > MAX_ID_BYTES || hasControl(id) || !id.isWellFormed()) {
    throw new SluiceError('invalid_id', {
      message: 'The document id cannot be used',
      expected: `1 to ${MAX_ID_BYTES} bytes of UTF-8 without control characters`,
      got: bytes > MAX_ID_BYTES ? `${bytes} bytes` : JSON.stringify(id.slice(0, 60)),
    });
  }
}

function checkTenant(tenant: string): void {
  const bytes = Buffer.byteLength(tenant);
  if (bytes < 1 || bytes > MAX_TENANT_BYTES || hasControl(tenant) || !tenant.isWellFormed()) {
    throw new SluiceError('invalid_tenant', {
      message: 'The tenant cannot be used',
      got: bytes > MAX_TENANT_BYTES ? `${bytes} bytes` : JSON.stringify(tenant.slice(0, 60)),
    });
  }
}

/** C0, C1, the invisible characters that reorder or hide text, and tags, which hide whole texts. */
function hasControl(value: string): boolean {
  return /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u.test(value);
}

export function checkUnicode(text: string, what: string): void {
  if (!text.isWellFormed()) throw new SluiceError('malformed_unicode', { message: `The ${what} has a lone surrogate` });
}

function checkMetadata(metadata: Record<string, unknown>): void {
  const problem = findProblem(metadata, 'metadata');
  if (problem !== undefined) throw new SluiceError('invalid_metadata', { message: problem });
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes > MAX_METADATA_BYTES) {
    throw new SluiceError('invalid_metadata', {
      message: 'The metadata is too large',
      expected: `${MAX_METADATA_BYTES} bytes of JSON at most`,
      got: `${bytes} bytes`,
    });
  }
}

function findProblem(value: unknown, path: string): string | undefined {
  if (typeof value === 'string' && !value.isWellFormed()) return `${path} has a lone surrogate`;
  if (typeof value === 'number' && !Number.isFinite(value)) return `${path} is a number that JSON cannot carry`;
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return `${path} is an integer above 2^53; send it as a string`;
  if (value === null || typeof value !== 'object') return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (reservedKeys.has(key)) return `${path} has the reserved key ${key}`;
    if (!key.isWellFormed() || /\p{Cc}/u.test(key))
      return `${path} has a key with a control character or a lone surrogate`;
    const problem = findProblem(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Before parsing: `JSON.stringify` dies on nesting that `JSON.parse` accepts. Throws `too_deep`. */
export function checkDepth(json: string): void {
  if (countUpTo(MAX_DEPTH, json, '{') + countUpTo(MAX_DEPTH, json, '[') <= MAX_DEPTH) return;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH)
        throw new SluiceError('too_deep', {
          message: 'The record is nested too deep',
          expected: `${MAX_DEPTH} levels at most`,
        });
    } else if (code === 0x5d || code === 0x7d) {
      depth--;
    }
  }
}

/** How often it comes, as far as `most` + 1: finding a character is much cheaper than looking at each. */
function countUpTo(most: number, text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1 && count <= most; at = text.indexOf(character, at + 1)) count++;
  return count;
}
