/**
 * Import directions: core ← tokenizer ← chunker, embedder; core ← queue, store, telemetry; all of these ← line ← producer,
 * worker ← cli; the embedded stack knows core alone; tests and benchmarks may know everything. A relative import never leaves
 * its package.
 * (Cycles between files are Biome's to find; the table has none, so packages cannot have any.)
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

const MIDDLE = ['core', 'telemetry', 'tokenizer', 'chunker', 'embedder', 'queue', 'store'];
const EVERYTHING = [...MIDDLE, 'line', 'producer', 'worker', 'cli', 'embedded'];

/** What each package may import, by folder. @type {Record<string, string[]>} */
export const MAY_IMPORT = {
  'packages/core': [],
  'packages/telemetry': ['core'],
  'packages/tokenizer': ['core'],
  'packages/chunker': ['core', 'tokenizer'],
  'packages/embedder': ['core', 'tokenizer'],
  'packages/queue': ['core'],
  'packages/store': ['core'],
  'packages/line': MIDDLE,
  'apps/producer': [...MIDDLE, 'line'],
  'apps/worker': [...MIDDLE, 'line'],
  'apps/cli': [...MIDDLE, 'line', 'producer', 'worker', 'embedded'],
  'infra/embedded': ['core'],
  test: EVERYTHING,
  bench: [...EVERYTHING, 'test'],
};

const FOLDERS = ['apps', 'packages', 'infra'];
const IMPORT = /(?:^|[\s;}])(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/gm;

/** @param {string} root @returns {string[]} one sentence a problem */
export function structureProblems(root) {
  const packages = [
    ...FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)),
    'test',
    'bench',
  ];
  const entries = new Set(packages.flatMap((folder) => entriesOf(join(root, folder))));
  return packages.flatMap((folder) => {
    const allowed = MAY_IMPORT[folder];
    const files = sourceFiles(join(root, folder));
    if (files.length === 0) return [];
    if (allowed === undefined) return [`${folder}: has no row in scripts/structure.mjs`];
    return files.flatMap((file) =>
      importsOf(readFileSync(file, 'utf8'))
        .map((specifier) => problemOf(specifier, { file, folder: join(root, folder), allowed, entries }))
        .filter((problem) => problem !== undefined)
        .map((problem) => `${relative(root, file)}: ${problem}`),
    );
  });
}

/** The specifiers that a package offers besides its name. @param {string} folder @returns {string[]} */
function entriesOf(folder) {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return [];
  const { name, exports = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
  return Object.keys(exports).map((path) => name + path.slice(1));
}

/** Comments are taken out first; a specifier in a string of its own is not an import. @param {string} source */
export function importsOf(source) {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(IMPORT)].map(([, specifier]) => /** @type {string} */ (specifier));
}

/** @param {string} specifier @param {{ file: string, folder: string, allowed: string[], entries: Set<string> }} place */
function problemOf(specifier, { file, folder, allowed, entries }) {
  if (specifier.startsWith('.')) {
    const target = resolve(file, '..', specifier);
    return target.startsWith(folder + sep) ? undefined : `imports ${specifier}, which is outside its package`;
  }
  const [, name, inside] = /^@sluice\/([^/]+)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined || folder.endsWith(`${sep}${name}`)) return undefined;
  if (inside !== undefined && !entries.has(specifier)) return `imports ${specifier}, which its package does not offer`;
  return allowed.includes(name)
    ? undefined
    : `imports ${specifier}, which is not below it (may import: ${allowed.join(', ') || 'nothing'})`;
}

/** @param {string} folder @returns {string[]} */
function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'fixtures' ? [] : sourceFiles(path);
    return /\.m?[tj]s$/.test(entry.name) ? [path] : [];
  });
}
