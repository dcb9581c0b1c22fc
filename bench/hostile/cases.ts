/** Texts made to hurt, the same in every run. */
import type { TextFormat } from '@sluice/core';
import { exampleCorpus, readCorpus } from '../chunker/corpus.ts';

export interface HostileCase {
  format: TextFormat;
  make(): string;
  /** Times the time per byte of ordinary prose, at most, and MB of memory a MB of text; more than usual only with a reason. */
  times?: number;
  memory?: number;
}

let state = 7;
const random = (below: number) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const english = readCorpus(exampleCorpus).filter(({ name, format }) => name.startsWith('en') && format !== 'html');
const words = english.flatMap(({ text }) => text.split(/\s+/)).filter((word) => /^[\w,.;'-]+$/.test(word));
const hanzi = [
  ...'的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经',
];
const sentence = () => `${Array.from({ length: 18 }, () => words[random(words.length)]).join(' ')}.`;
const paragraph = () => Array.from({ length: 4 }, sentence).join(' ');
const many = (count: number, make: (n: number) => string, between = '') =>
  Array.from({ length: count }, (_, n) => make(n)).join(between);
const letters = (count: number) => many(count, () => String.fromCharCode(97 + random(26)));
const prose = () => many(8_000, paragraph, '\n\n');

export const cases: Readonly<Record<string, HostileCase>> = {
  '3 MB of generated prose': { format: 'markdown', make: prose },
  '5 MB without a newline': { format: 'text', make: () => many(12_500, paragraph, ' ').slice(0, 5_000_000) },
  '5 MB without a newline, Markdown': {
    format: 'markdown',
    make: () => many(12_500, paragraph, ' ').slice(0, 5_000_000),
  },
  '1 MB without a space': { format: 'text', make: () => letters(1_000_000) },
  '2 MB of base64': { format: 'text', make: () => Buffer.from(letters(1_500_000)).toString('base64') },
  '2 MB of Chinese without a mark': { format: 'text', make: () => many(700_000, () => hanzi[random(hanzi.length)]!) },
  '200,000 blank lines': { format: 'markdown', make: () => `a${'\n'.repeat(200_000)}b` },
  // Each line of 13 bytes is a block that the parser opens and closes.
  '100,000 list items': { format: 'markdown', make: () => many(100_000, (n) => `- item ${n}`, '\n'), times: 5 },
  '1,000,000 list items, each in the one before': { format: 'markdown', make: () => `${'- '.repeat(1_000_000)}x` },
  '1,000,000 quotes, each in the one before': { format: 'markdown', make: () => `${'>'.repeat(1_000_000)}x` },
  '50,000 list items, 90 deep': {
    format: 'markdown',
    make: () => many(50_000, (n) => `${'  '.repeat(n % 90)}- x`, '\n'),
  },
  '50,000 open fences': { format: 'markdown', make: () => many(50_000, () => '```', '\n\n') },
  '1 MB of marks on one letter': { format: 'text', make: () => `a${'\u0301'.repeat(500_000)}` },
  // Programs cost what their parser costs.
  'a program of 400,000 open brackets': { format: 'typescript', make: () => '({'.repeat(200_000) },
  '400 kB of C++ templates without an end': { format: 'cpp', make: () => 'a<b<'.repeat(100_000), times: 12 },
  '400 kB of program': {
    format: 'typescript',
    make: () => many(12_000, (n) => `function gate${n}() {\n  return ${n};\n}\n`),
    times: 12,
  },
  // A section of four bytes has a heading, a path and a place of its own, some kilobyte, as one of four thousand has.
  '1,000,000 headings': { format: 'markdown', make: () => '# h\n'.repeat(1_000_000), times: 20, memory: 320 },
  'a paragraph of 4 MB in a page': {
    format: 'html',
    make: () => `<p>${many(10_000, paragraph, ' ')}`.slice(0, 4_000_000),
  },
  'a paragraph of 4 MB in a page, each word on a line': {
    format: 'html',
    make: () => `<p>${many(10_000, paragraph, ' ').replaceAll(' ', '<br>')}`.slice(0, 4_000_000),
  },
  '20 MB page': {
    format: 'html',
    make: () => `<main>${many(50_000, () => `<p>${paragraph()}</p>`, '\n')}`.slice(0, 20_000_000),
  },
  '300,000 open elements': { format: 'html', make: () => `${'<div>'.repeat(300_000)}x` },
  '100,000 misnested elements': { format: 'html', make: () => '<div><p><b><i>x</div>'.repeat(100_000) },
};
