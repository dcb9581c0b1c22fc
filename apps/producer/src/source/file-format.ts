/** What a file is, by its name. Content is checked later: a `.md` that is a picture is rejected by its bytes. */
import { basename, extname } from 'node:path';
import type { ExtractedName } from './extract/extracted-format.ts';
import type { FileFormat } from './item.ts';

const formats: Readonly<Record<string, FileFormat | ExtractedName>> = {
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
  '.pdf': 'pdf',
  '.docx': 'docx',
  ...named('typescript', 'ts mts cts'),
  ...named('tsx', 'tsx'),
  ...named('javascript', 'js mjs cjs jsx'),
  ...named('python', 'py pyi'),
  ...named('java', 'java'),
  ...named('cpp', 'c h cc cpp cxx hh hpp hxx'),
  ...named('go', 'go'),
  ...named('rust', 'rs'),
  ...named('php', 'php'),
  // No well-kept grammar of Lezer's own: cut at blank lines.
  ...named('code', 'rb sh bash zsh ps1 cs kt kts swift scala lua pl pm r jl ex exs erl hs ml clj dart zig sql proto'),
};

/** Names without extension that are text by custom. */
const textNames = /^(readme|license|licence|copying|notice|authors|changes|changelog|contributing|install|news|todo)$/i;

export interface NamedFormat {
  /** undefined: not a type that Sluice reads. */
  format: FileFormat | ExtractedName | undefined;
  gzip: boolean;
}

export function formatOf(path: string): NamedFormat {
  const gzip = extname(path).toLowerCase() === '.gz';
  const name = gzip ? path.slice(0, -3) : path;
  const extension = extname(name).toLowerCase();
  if (extension === '' && textNames.test(basename(name))) return { format: 'text', gzip };
  return { format: Object.hasOwn(formats, extension) ? formats[extension] : undefined, gzip };
}

function named(format: FileFormat, extensions: string): Record<string, FileFormat> {
  return Object.fromEntries(extensions.split(' ').map((extension) => [`.${extension}`, format]));
}
