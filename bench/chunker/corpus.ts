/** The texts of a run: examples/corpus, or any folder; read in full before anything is timed. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TextFormat } from '@sluice/core';

export interface BenchDocument {
  name: string;
  text: string;
  format: TextFormat;
  bytes: number;
}

const formats: Record<string, TextFormat> = { '.md': 'markdown', '.html': 'html', '.txt': 'text' };
export const exampleCorpus = fileURLToPath(new URL('../../examples/corpus/', import.meta.url));

/** Documents under `folder` in the order of their names; licence texts are left out. */
export function readCorpus(folder: string): BenchDocument[] {
  const documents: BenchDocument[] = [];
  const walk = (path: string) => {
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'LICENSES') walk(child);
        continue;
      }
      const format = formats[extname(entry.name)];
      if (format === undefined) continue;
      const text = readFileSync(child, 'utf8');
      documents.push({ name: relative(folder, child), text, format, bytes: Buffer.byteLength(text) });
    }
  };
  walk(folder);
  return documents;
}
