/** The example corpus, as documents to cut. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TextFormat } from '@sluice/core';

const formats: Record<string, TextFormat> = { '.md': 'markdown', '.html': 'html', '.txt': 'text' };
const folder = fileURLToPath(new URL('../../../examples/corpus/', import.meta.url));

export interface ExampleDocument {
  name: string;
  text: string;
  format: TextFormat;
}

/** In the order of their names; what is said about the corpus is left out. */
export function exampleDocuments(): ExampleDocument[] {
  return ['en', 'vi', 'zh'].flatMap((language) =>
    readdirSync(join(folder, language))
      .toSorted()
      .map((name) => ({
        name: `${language}/${name}`,
        text: readFileSync(join(folder, language, name), 'utf8'),
        format: formats[extname(name)]!,
      })),
  );
}
