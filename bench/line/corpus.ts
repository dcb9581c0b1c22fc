/**
 * A folder of Markdown documents, as large as asked for: paragraphs of the example corpus (English, Vietnamese, Chinese) in
 * ever new order. Equal arguments give equal files. Words repeat more than in a corpus of that size; the chunker's own
 * benchmark says what unknown words cost.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleCorpus, readCorpus } from '../chunker/corpus.ts';

export interface MadeCorpus {
  folder: string;
  documents: number;
  bytes: number;
}

/** Documents of `characters` on average, between half and one and a half of it. */
export function makeCorpus(
  folder: string,
  { documents, characters, seed = 1 }: { documents: number; characters: number; seed?: number },
): MadeCorpus {
  mkdirSync(folder, { recursive: true });
  const paragraphs = paragraphsOf();
  const next = generator(seed);
  let bytes = 0;
  for (let number = 0; number < documents; number++) {
    const text = makeText(paragraphs, next, characters / 2 + next(characters));
    bytes += Buffer.byteLength(text);
    writeFileSync(join(folder, `document-${number}.md`), text);
  }
  return { folder, documents, bytes };
}

export function paragraphsOf(): string[] {
  return readCorpus(exampleCorpus)
    .filter(({ format }) => format !== 'html')
    .flatMap(({ text }) => text.split(/\n{2,}/))
    .filter((paragraph) => paragraph.length > 40 && paragraph.length < 4_000);
}

/** A linear congruential generator of whole numbers below what is asked. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

export function makeText(paragraphs: readonly string[], next: (below: number) => number, characters: number): string {
  const parts: string[] = [];
  for (let length = 0; length < characters; length += parts.at(-1)!.length) {
    parts.push(paragraphs[next(paragraphs.length)]!);
  }
  return parts.join('\n\n');
}
