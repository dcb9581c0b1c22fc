/**
 * A lock held by at most one living process. The lock file appears with its full content in one step (link), so nobody
 * reads half of it; a lock whose owner is gone is taken over by renaming it away first, and only one process wins that.
 * Plain JavaScript without dependencies, because the bootstrap runs it before anything is installed.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSameProcess, processIdentity } from './process-identity.mjs';

/** @typedef {{ pid: number, identity: string }} LockOwner */
let attempts = 0;

/**
 * Takes the lock, or says who holds it. Never waits.
 * @param {string} path
 * @returns {{ release: () => void } | { heldBy: LockOwner }}
 */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}.${++attempts}`;
  /** @type {LockOwner} */
  const me = { pid: process.pid, identity: processIdentity(process.pid) ?? 'alive' };
  writeFileSync(own, JSON.stringify(me), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(own, path);
        return { release: () => releaseLock(path, me) };
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      const owner = readOwner(path);
      if (owner !== undefined && isSameProcess(owner)) return { heldBy: owner };
      moveAway(path, `${own}.stale`, owner);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Takes the lock, waiting for its owner; `onWait` is told once who that is.
 * @param {string} path
 * @param {{ onWait?: (owner: LockOwner) => void, pollMs?: number }} [options]
 * @returns {Promise<{ release: () => void }>}
 */
export async function waitForLock(path, { onWait, pollMs = 200 } = {}) {
  for (let told = false; ; ) {
    const lock = tryLock(path);
    if ('release' in lock) return lock;
    if (!told) onWait?.(lock.heldBy);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** @param {string} path @param {LockOwner} me */
function releaseLock(path, me) {
  const owner = readOwner(path);
  if (owner?.pid === me.pid && owner.identity === me.identity) rmSync(path, { force: true });
}

/**
 * @param {string} path
 * @returns {LockOwner | undefined} undefined when the file is gone or is not a lock
 */
function readOwner(path) {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8'));
    return typeof owner?.pid === 'number' && typeof owner?.identity === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Renames a dead lock away. Between reading and renaming another process may have taken it over; then the file that was
 * moved is a living one, and is put back.
 * @param {string} path @param {string} aside @param {LockOwner | undefined} dead
 */
function moveAway(path, aside, dead) {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return;
    throw error;
  }
  const moved = readOwner(aside);
  const living = moved !== undefined && isSameProcess(moved) && moved.identity !== dead?.identity;
  if (living) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
  }
  rmSync(aside, { force: true });
}
