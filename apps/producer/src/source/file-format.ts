/** What a file is, by its name. Content is checked later: a `.md` that is a picture is rejected by its bytes. */
import { basename, extname } from 'node:path';
import type { FileFormat } from './item.ts';

const formats: Readonly<Record<string, FileFormat>> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.mdx': 'markdown',
  '.mkd': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
  '.txt': 'text',
  '.text': 'text',
  '.rst': 'text',
  '.adoc': 'text',
  '.org': 'text',
  '.tex': 'text',
  '.log': 'text',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

/** Names without extension that are text by custom. */
const textNames = /^(readme|license|licence|copying|notice|authors|changes|changelog|contributing|install|news|todo)$/i;

export interface NamedFormat {
  /** undefined: not a type that Sluice reads. */
  format: FileFormat | undefined;
  gzip: boolean;
}

export function formatOf(path: string): NamedFormat {
  const gzip = extname(path).toLowerCase() === '.gz';
  const name = gzip ? path.slice(0, -3) : path;
  const extension = extname(name).toLowerCase();
  if (extension === '' && textNames.test(basename(name))) return { format: 'text', gzip };
  return { format: Object.hasOwn(formats, extension) ? formats[extension] : undefined, gzip };
}
