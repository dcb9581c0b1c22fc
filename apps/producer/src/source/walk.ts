/**
 * Walks a folder in a fixed order (names by code unit), with the rules of every `.ingestignore` on the way (gitignore
 * syntax, relative to the folder it lies in). Hidden files and folders are left out, links are not followed. A folder whose rules
 * cannot be read is not read: what they leave out is nobody's to guess.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';

export interface WalkEntry {
  path: string;
  /** Relative to the root, with `/` on every platform. */
  relative: string;
  kind: 'file' | 'link' | 'special' | 'unreadable';
  error?: unknown;
}

const RULES_FILE = '.ingestignore';

interface Rules {
  /** Relative path of the folder that the rules lie in, '' for the root. */
  base: string;
  matcher: Ignore;
}

/** `enters` is asked of each folder's relative path before it is read. */
export async function* walk(root: string, enters: (folder: string) => boolean = () => true): AsyncGenerator<WalkEntry> {
  yield* walkFolder(root, '', [], enters);
}

async function* walkFolder(
  root: string,
  folder: string,
  inherited: readonly Rules[],
  enters: (folder: string) => boolean,
): AsyncGenerator<WalkEntry> {
  const path = join(root, folder);
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    yield { path, relative: folder, kind: 'unreadable', error };
    return;
  }
  let rules = inherited;
  if (entries.some((entry) => entry.name === RULES_FILE)) {
    try {
      rules = [...inherited, await readRules(path, folder)];
    } catch (error) {
      yield {
        path: join(path, RULES_FILE),
        relative: folder === '' ? RULES_FILE : `${folder}/${RULES_FILE}`,
        kind: 'unreadable',
        error,
      };
      return;
    }
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (isIgnored(rules, relative, entry.isDirectory())) continue;
    if (entry.isDirectory()) {
      if (enters(relative)) yield* walkFolder(root, relative, rules, enters);
    } else {
      yield {
        path: join(root, relative),
        relative,
        kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'special',
      };
    }
  }
}

async function readRules(path: string, base: string): Promise<Rules> {
  return { base, matcher: ignore().add(await readFile(join(path, RULES_FILE), 'utf8')) };
}

function isIgnored(rules: readonly Rules[], relative: string, folder: boolean): boolean {
  let ignored = false;
  for (const { base, matcher } of rules) {
    const inner = base === '' ? relative : relative.slice(base.length + 1);
    const result = matcher.test(folder ? `${inner}/` : inner);
    if (result.ignored) ignored = true;
    if (result.unignored) ignored = false;
  }
  return ignored;
}
