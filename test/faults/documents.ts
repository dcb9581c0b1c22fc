/**
 * Documents of a fault run, made from a seed: sections of made-up words, so that texts of different documents never meet and
 * a chunk found in the wrong place betrays itself. A change touches one section, everything, or goes back to an earlier text.
 */
import type { Random } from './random.ts';

export interface TestDocument {
  id: string;
  text: string;
}

/** About so many tokens each; a section is some chunks' worth of a paragraph. */
const WORDS_A_SECTION = [60, 220] as const;
const SECTIONS = [1, 4] as const;

export const POISON = 'thisistheplantedpoison';

export function makeText(random: Random, id: string): string {
  const sections = random.between(...SECTIONS);
  return Array.from({ length: sections }, () => makeSection(random, id)).join('\n\n');
}

/** One section is written anew; the chunks of the others can reuse their vectors. */
export function editText(random: Random, id: string, text: string): string {
  const sections = text.split('\n\n');
  sections[random.between(0, sections.length - 1)] = makeSection(random, id);
  if (random.next() < 0.2) sections.push(makeSection(random, id));
  return sections.join('\n\n');
}

export function toNdjson(documents: readonly TestDocument[]): string {
  return documents.map((document) => `${JSON.stringify(document)}\n`).join('');
}

function makeSection(random: Random, id: string): string {
  const words = random.between(...WORDS_A_SECTION);
  const text: string[] = [id];
  for (let i = 0; i < words; i += 1) text.push(makeWord(random) + (i % 11 === 10 ? '.' : ''));
  return `${text.join(' ')}.`;
}

function makeWord(random: Random): string {
  let word = '';
  for (let i = random.between(1, 3); i > 0; i -= 1) word += random.pick(SYLLABLES);
  return word;
}

const SYLLABLES = [
  'ka',
  'lo',
  'mi',
  'ter',
  'van',
  'su',
  'ren',
  'dol',
  'pa',
  'zin',
  'hu',
  'bor',
  'ne',
  'gal',
  'ti',
  'wes',
];
