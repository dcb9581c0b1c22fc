/**
 * Identity. Chunk id = `d` + 20 hex characters of SHA-256 over line name, tenant and document id (length-prefixed)
 * + revision (13 hex) + ordinal (5 hex). So a prefix selects a document, ids sort by document, revision, ordinal, and no
 * user text ever enters a Milvus filter. Because the revision is in the key, a worker that wakes from the dead can never
 * overwrite newer vectors.
 */
import { hash } from 'node:crypto';
import type { Metadata, TextFormat } from './document.ts';
import { SluiceError } from './errors.ts';

/** `d` + 20 hex characters: selects one document of one line and tenant. */
export type DocumentKey = string;
/** A revision: a decimal string below 2^52 (microseconds of Redis time), never a number in Lua. */
export type Revision = string;

export const MAX_CHUNKS_PER_DOCUMENT = 16_000;
export const MAX_ID_BYTES = 512;
export const MAX_TENANT_BYTES = 128;

export interface DocumentName {
  line: string;
  tenant?: string | undefined;
  id: string;
}

export function documentKey({ line, tenant, id }: DocumentName): DocumentKey {
  // One text and one call: five small updates cost twice as much, and a nightly run does little else.
  const parts = [line, tenant ?? '', id].map((part) => `${Buffer.byteLength(part)}:${part}`);
  return `d${hash('sha256', parts.join(''), 'hex').slice(0, 20)}`;
}

/** 13 lower-case hex characters, so that text order is number order. */
export function revisionHex(revision: Revision): string {
  return BigInt(revision).toString(16).padStart(13, '0');
}

export function revisionFromHex(hex: string): Revision {
  return BigInt(`0x${hex}`).toString();
}

/** Rows of one revision: every id that starts with this. */
export function revisionKey(key: DocumentKey, revision: Revision): string {
  return key + revisionHex(revision);
}

export function chunkId(key: DocumentKey, revision: Revision, ordinal: number): string {
  return revisionKey(key, revision) + ordinal.toString(16).padStart(5, '0');
}

export function parseChunkId(id: string): { key: DocumentKey; revision: Revision; ordinal: number } {
  if (!/^d[0-9a-f]{38}$/.test(id)) {
    throw new SluiceError('malformed_job', { message: 'A chunk id is d and 38 hex characters', got: id.slice(0, 60) });
  }
  return {
    key: id.slice(0, 21),
    revision: revisionFromHex(id.slice(21, 34)),
    ordinal: Number.parseInt(id.slice(34), 16),
  };
}

/** 128 bits, base64url: what tells two texts of one document apart. */
export function contentHash(document: {
  text: string;
  format: TextFormat;
  title?: string | undefined;
  metadata: Metadata;
  tenant?: string | undefined;
}): string {
  const { text, format, title, metadata, tenant } = document;
  const about = canonicalJson([format, title ?? null, metadata, tenant ?? null]);
  return hash('sha256', `${about}\n${text.normalize('NFC')}`, 'base64url').slice(0, 22);
}

/** 128 bits, base64url, of the embedded text: equal hashes reuse their vector. */
export function chunkHash(embedded: string): string {
  return hash('sha256', embedded, 'base64url').slice(0, 22);
}

/** JSON with keys sorted at every level, so that two equal objects have one text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
