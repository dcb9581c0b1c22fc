/**
 * Filters. No user text ever enters one: ids are hex and chunk hashes base64url, both checked here, and a tenant goes through
 * JSON.stringify, which every server that we know reads as it is meant.
 */
import { SluiceError } from '@sluice/core';

export interface IdRange {
  /** First id of the range, or a prefix of it. */
  from: string;
  /** First id behind the range, or a prefix of it. */
  to: string;
}

const ID = /^d[0-9a-z]{0,40}$/;
const HASH = /^[A-Za-z0-9_-]{1,64}$/;

export function inRange({ from, to }: IdRange): string {
  return `(id >= ${quoted(from, ID)} and id < ${quoted(to, ID)})`;
}

export function inRanges(ranges: readonly IdRange[]): string {
  return ranges.map(inRange).join(' or ');
}

export function anyId(ids: readonly string[]): string {
  return `id in [${ids.map((id) => quoted(id, ID)).join(',')}]`;
}

export function anyHash(hashes: readonly string[]): string {
  return `chunk_hash in [${hashes.map((hash) => quoted(hash, HASH)).join(',')}]`;
}

export function ofTenant(tenant: string): string {
  return `tenant == ${JSON.stringify(tenant)}`;
}

/** Every id that starts with the prefix: no id has a character behind `f` in its place. */
export function prefixRange(prefix: string): IdRange {
  return { from: prefix, to: `${prefix}g` };
}

/** Groups of at most `size`. */
export function grouped<T>(items: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
}

function quoted(text: string, form: RegExp): string {
  if (form.test(text)) return `"${text}"`;
  throw new SluiceError('malformed_job', {
    message: 'An id or hash of ours has a character that it cannot have',
    got: text.slice(0, 60),
  });
}
