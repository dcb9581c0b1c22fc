/** Many small documents, as records of one file and as files of one folder. Equal arguments give equal documents. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { paragraphsOf } from '../line/corpus.ts';

const RECORDS_A_WRITE = 5_000;
const FILES_A_FOLDER = 1_000;

export function makeRecords(file: string, count: number, characters: number): string {
  const textOf = texts(characters);
  const handle = openSync(file, 'w');
  for (let from = 0; from < count; from += RECORDS_A_WRITE) {
    const numbers = Array.from({ length: Math.min(RECORDS_A_WRITE, count - from) }, (_, i) => from + i);
    const records = numbers.map((number) =>
      JSON.stringify({ id: `record/${number}`, text: textOf(number), metadata: { number, kind: 'note' } }),
    );
    writeSync(handle, `${records.join('\n')}\n`);
  }
  closeSync(handle);
  return file;
}

export function makeFolder(folder: string, count: number, characters: number): string {
  const textOf = texts(characters);
  for (let number = 0; number < count; number++) {
    const inner = join(folder, `part-${String(Math.floor(number / FILES_A_FOLDER)).padStart(4, '0')}`);
    if (number % FILES_A_FOLDER === 0) mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, `note-${number}.md`), textOf(number));
  }
  return folder;
}

/** Some of the example corpus, each beginning with its own number. */
function texts(characters: number): (number: number) => string {
  const source = paragraphsOf().join('\n');
  return (number) => {
    const from = (number * 37) % (source.length - characters);
    return `Note ${number}. ${source.slice(from, from + characters).toWellFormed()}`;
  };
}
