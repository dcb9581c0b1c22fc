/**
 * Starts the real embedded stack once for the whole run, in a home of its own under the system's temporary folder, with the
 * programs of the project's `.sluice`. Kept for inspection when KEEP_TEST_HOME is set.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { silentLogger } from '@sluice/core';
import { startStack } from '@sluice/embedded';
import type { TestProject } from 'vitest/node';

export const programs = resolve(import.meta.dirname, '../../.sluice');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const stack = await startStack({
    home,
    programs,
    needs: { queue: true, store: true },
    logger: silentLogger,
    stopTimeoutMs: 500, // nobody reads this data again
  });
  project.provide('stack', { home, redisUrl: stack.state.redisUrl!, milvus: stack.state.milvus! });
  return async () => {
    await stack.stop();
    if (process.env.KEEP_TEST_HOME === undefined) await rm(home, { recursive: true, force: true });
  };
}
