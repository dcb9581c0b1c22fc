/**
 * How every process of the command runs. Left alone, V8 and glibc let memory pile up where there is plenty of it: an ingest of one small
 * document took 384 MB, a long one 560, and a worker 500. With these both stay under 300 MB: 270 and 248 over 74,000 chunks (`npm run bench -- memory`).
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = resolve(fileURLToPath(import.meta.url), '../../../..');

export const nodeFlags = [
  // A young generation of 12 MB a thread instead of 48.
  '--max-semi-space-size=4',
  // Collected by the thread that uses it: so little is not worth waking others.
  '--no-parallel-scavenge',
  // The old generation is collected again when it has grown by this much; by default when it has grown up to fourfold.
  '--heap-growing-percent=30',
];

/**
 * The environment that goes with the flags; variables that the user has set stay.
 *
 * - What V8 compiled, and Node stripped of its types, is kept for the next start: 0.5 s of CPU of each process. Entries are keyed by their
 *   source; without the folder the next start is slow once.
 * - glibc keeps freed memory, the more the larger it was; with these it gives pieces of 128 kB and more back at once, and has one arena
 *   for all threads: 40 to 60 MB of each process. Other C libraries do not read them.
 */
export const nodeVariables = {
  NODE_COMPILE_CACHE: join(projectRoot, '.sluice', 'cache', 'code'),
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
