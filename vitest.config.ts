/**
 * Three projects. `unit`: beside the source, quick, no server. `servers`: everything under test/, which share one real
 * embedded stack that is started once, when at least one of its files runs. `alone`: the same, one file at a time.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['{apps,packages,infra,bench}/**/*.test.ts', 'scripts/**/*.test.{mjs,ts}'],
          exclude: ['**/node_modules/**'],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          // After the unit tests, some of which watch the clock: a Milvus beside them takes a core.
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/fixtures/**', 'test/alone/**'],
          globalSetup: ['test/support/stack-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          // These read what the whole Milvus did, or how much memory a process took: nothing else may run beside them.
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
          include: ['test/alone/*.test.ts'],
          globalSetup: ['test/support/stack-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
