/**
 * Time and memory on input made to hurt, beside ordinary prose (the example corpus's Markdown and text) in the same process. Every run has
 * a tokenizer that knows no word; the code is compiled; the best of five runs counts. Factor: time per byte over that of the prose. Memory: peak
 * of the process in the first run less what it held before.
 *
 *     node bench/chunker/hostile.ts [--json]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createChunker } from '@sluice/chunker';
import { type TextFormat, totalTokens } from '@sluice/core';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { limits } from './contenders.ts';
import { exampleCorpus, readCorpus } from './corpus.ts';
import { cpuSeconds } from './measure.ts';

const RUNS = 5;

type Case = [TextFormat, () => string];

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

const cases: Record<string, Case> = {
  '3 MB of generated prose': ['markdown', prose],
  '5 MB without a newline': ['text', () => many(12_500, paragraph, ' ').slice(0, 5_000_000)],
  '5 MB without a newline, Markdown': ['markdown', () => many(12_500, paragraph, ' ').slice(0, 5_000_000)],
  '1 MB without a space': ['text', () => letters(1_000_000)],
  '2 MB of base64': ['text', () => Buffer.from(letters(1_500_000)).toString('base64')],
  '2 MB of Chinese without a mark': ['text', () => many(700_000, () => hanzi[random(hanzi.length)]!)],
  '200,000 blank lines': ['markdown', () => `a${'\n'.repeat(200_000)}b`],
  '100,000 list items': ['markdown', () => many(100_000, (n) => `- item ${n}`, '\n')],
  '1,000,000 list items, each in the one before': ['markdown', () => `${'- '.repeat(1_000_000)}x`],
  '1,000,000 quotes, each in the one before': ['markdown', () => `${'>'.repeat(1_000_000)}x`],
  '50,000 list items, 90 deep': ['markdown', () => many(50_000, (n) => `${'  '.repeat(n % 90)}- x`, '\n')],
  '50,000 open fences': ['markdown', () => many(50_000, () => '```', '\n\n')],
  '1 MB of marks on one letter': ['text', () => `a${'\u0301'.repeat(500_000)}`],
  'a program of 400,000 open brackets': ['typescript', () => '({'.repeat(200_000)],
  '400 kB of C++ templates without an end': ['cpp', () => 'a<b<'.repeat(100_000)],
  '400 kB of program': ['typescript', () => many(12_000, (n) => `function gate${n}() {\n  return ${n};\n}\n`)],
  '20 MB page': ['html', () => `<main>${many(50_000, () => `<p>${paragraph()}</p>`, '\n')}`.slice(0, 20_000_000)],
  '300,000 open elements': ['html', () => `${'<div>'.repeat(300_000)}x`],
  '100,000 misnested elements': ['html', () => '<div><p><b><i>x</div>'.repeat(100_000)],
};

interface Row {
  name: string;
  megabytes: number;
  seconds: number;
  prose: number;
  chunks: number;
  most: number;
  memory: number;
}

const name = process.argv.find((argument) => argument in cases);
if (name !== undefined) await one(name);
else all();

async function one(chosen: string): Promise<void> {
  const model = await loadTokenizerModel();
  const fresh = () => createChunker(createTokenizer(model), limits);
  const timed = (text: string, format: TextFormat, chunker = fresh()) => {
    let chunks = 0;
    let most = 0;
    const seconds = cpuSeconds(() => {
      const cut = chunker.cut({ text, format });
      chunks = cut.chunks.length;
      most = cut.chunks.reduce((high, { tokens }) => Math.max(high, totalTokens(tokens)), 0);
    });
    return { seconds, chunks, most };
  };
  const corpus = readCorpus(exampleCorpus).filter(({ format }) => format !== 'html');
  const bytes = corpus.reduce((sum, document) => sum + document.bytes, 0);
  const pass = () => {
    const chunker = fresh();
    return corpus.reduce((sum, { text, format }) => sum + timed(text, format, chunker).seconds, 0);
  };
  const measure = best(pass) / bytes;
  const [format, make] = cases[chosen]!;
  const text = make();
  const before = process.memoryUsage.rss();
  const first = timed(text, format);
  const memory = (process.resourceUsage().maxRSS * 1_024 - before) / 1e6;
  const seconds = best(() => timed(text, format).seconds);
  const megabytes = Buffer.byteLength(text) / 1e6;
  const row: Row = {
    name: chosen,
    megabytes,
    seconds,
    prose: measure * 1e6,
    chunks: first.chunks,
    most: first.most,
    memory,
  };
  console.log(JSON.stringify(row));
}

function best(run: () => number): number {
  return Array.from({ length: RUNS }, run).reduce((least, seconds) => Math.min(least, seconds));
}

function all(): void {
  const rows = Object.keys(cases).map((each): Row => {
    const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), each]);
    return JSON.parse(output.toString('utf8')) as Row;
  });
  const shown = rows.map((row) => ({
    '': row.name,
    MB: Number(row.megabytes.toFixed(2)),
    'CPU-s': Number(row.seconds.toFixed(3)),
    factor: Number((row.seconds / row.megabytes / row.prose).toFixed(2)),
    chunks: row.chunks,
    'most tokens': row.most,
    'memory MB': Math.max(0, Math.round(row.memory)),
  }));
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
  else console.table(shown);
}
