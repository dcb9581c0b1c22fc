/**
 * A step that was done is not done again: its stamp holds the hash of what went into it. The stamp is removed before the
 * step runs and written after it, so a step that was interrupted is repeated.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** @param {string[]} inputs */
export function hashOf(inputs) {
  const sha = createHash('sha256');
  for (const input of inputs) sha.update(`${input.length}:`).update(input);
  return sha.digest('hex');
}

/** @param {string} path @param {string} hash */
export function isStamped(path, hash) {
  try {
    return readFileSync(path, 'utf8') === hash;
  } catch {
    return false;
  }
}

/** @param {string} path @param {string} hash @param {() => Promise<void>} work */
export async function stamped(path, hash, work) {
  rmSync(path, { force: true });
  await work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, hash);
}
