/** Long documents as records of one file, written as they are made. Equal arguments give equal records. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { generator, makeText, paragraphsOf } from '../line/corpus.ts';

/** Documents of `characters` on average, between half and one and a half of it. */
export function makeLongRecords(
  file: string,
  { documents, characters }: { documents: number; characters: number },
): { file: string; bytes: number } {
  const paragraphs = paragraphsOf();
  const next = generator(1);
  const handle = openSync(file, 'w');
  let bytes = 0;
  for (let number = 0; number < documents; number++) {
    const text = makeText(paragraphs, next, characters / 2 + next(characters));
    bytes += writeSync(handle, `${JSON.stringify({ id: `long/${number}`, text, format: 'markdown' })}\n`);
  }
  closeSync(handle);
  return { file, bytes };
}
