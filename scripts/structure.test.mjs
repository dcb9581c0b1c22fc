import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf, MAY_IMPORT, structureProblems } from './structure.mjs';

/** @param {Record<string, string>} files */
function projectOf(files) {
  const root = mkdtempSync(join(tmpdir(), 'sluice-structure-'));
  for (const folder of ['apps', 'packages', 'infra', 'test', 'bench']) mkdirSync(join(root, folder));
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), source);
  }
  return root;
}

test.each([
  ['an import against the direction', 'packages/queue/src/a.ts', "import { x } from '@sluice/store';", 'not below it'],
  ['a type import as well', 'packages/core/src/a.ts', "import type { X } from '@sluice/queue';", 'not below it'],
  ['a dynamic import', 'apps/worker/src/a.ts', "await import('@sluice/cli');", 'not below it'],
  [
    'a re-export over several lines',
    'packages/store/src/a.ts',
    "export {\n  x,\n} from '@sluice/queue';",
    'not below it',
  ],
  [
    'a relative import out of the package',
    'packages/queue/src/a.ts',
    "import '../../core/src/b.ts';",
    'outside its package',
  ],
  [
    "an import past a package's entry",
    'apps/cli/src/a.ts',
    "import { x } from '@sluice/core/src/x.ts';",
    'does not offer',
  ],
  ['a package without a row', 'packages/novel/src/a.ts', 'export {};', 'has no row'],
])('%s is found', (_what, path, source, problem) => {
  expect(structureProblems(projectOf({ [path]: source }))).toEqual([expect.stringContaining(problem)]);
});

test('imports along the direction, within a package and of libraries pass', () => {
  const root = projectOf({
    'packages/queue/src/a.ts':
      "import { x } from '@sluice/core';\nimport { y } from './deep/b.ts';\nimport pino from 'pino';",
    'packages/queue/src/deep/b.ts': "// import '@sluice/store'\n/** from '@sluice/cli' */\nexport const y = 1;",
    'apps/cli/package.json': JSON.stringify({ name: '@sluice/cli', exports: { '.': './a.ts', './flags': './b.ts' } }),
    'test/e2e/a.test.ts': "import { z } from '@sluice/cli';\nimport { f } from '@sluice/cli/flags';",
  });
  expect(structureProblems(root)).toEqual([]);
});

test('a specifier in a text is no import', () => {
  expect(importsOf("const text = `say 'from' or \"import\"`; call('x');")).toEqual([]);
});

test('the table itself has no cycle', () => {
  const rows = new Map(Object.entries(MAY_IMPORT).map(([folder, allowed]) => [folder.split('/').at(-1), allowed]));
  /** @param {string} name @param {string[]} path */
  const walk = (name, path) => {
    expect(path).not.toContain(name);
    for (const next of rows.get(name) ?? []) walk(next, [...path, name]);
  };
  for (const name of rows.keys()) walk(/** @type {string} */ (name), []);
});
