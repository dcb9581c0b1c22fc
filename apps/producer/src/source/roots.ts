/**
 * What the words on the command line mean: each is a file, a folder, a pattern or `-`, and each belongs to a source, a name
 * that remembers its root. A file's root is its folder, a pattern's its fixed prefix.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { SourceRoot } from './item.ts';

export type Input =
  | { kind: 'stdin'; source: SourceRoot }
  | { kind: 'file'; path: string; source: SourceRoot }
  | { kind: 'folder'; path: string; source: SourceRoot }
  /** `pattern` is relative to the source's root. */
  | { kind: 'pattern'; pattern: string; source: SourceRoot }
  | { kind: 'missing'; path: string };

/** `name` is --source; without it a source is called like its root folder (`stdin` for standard input). */
export async function resolveInputs(words: readonly string[], name?: string): Promise<Input[]> {
  return Promise.all(words.map((word) => resolveInput(word, name)));
}

async function resolveInput(word: string, name: string | undefined): Promise<Input> {
  if (word === '-') return { kind: 'stdin', source: { name: name ?? 'stdin', root: '-' } };
  const path = resolve(word);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return { kind: 'folder', path, source: await rootAt(path, name) };
  if (found !== undefined) return { kind: 'file', path, source: await rootAt(dirname(path), name) };
  if (await lstat(path).catch(() => undefined))
    return { kind: 'file', path, source: await rootAt(dirname(path), name) };
  if (!/[*?[\]{}]/.test(word)) return { kind: 'missing', path: word };
  const parts = path.split('/');
  const firstMagic = parts.findIndex((part) => /[*?[\]{}]/.test(part));
  const prefix = parts.slice(0, firstMagic).join('/') || '/';
  const pattern = parts.slice(firstMagic).join('/');
  if (!(await stat(prefix).catch(() => undefined))?.isDirectory()) return { kind: 'missing', path: word };
  return { kind: 'pattern', pattern, source: await rootAt(prefix, name) };
}

async function rootAt(folder: string, name: string | undefined): Promise<SourceRoot> {
  const root = await realpath(folder).catch(() => folder);
  return { name: name ?? (basename(root) || 'root'), root };
}
