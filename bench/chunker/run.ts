/**
 * Chunker benchmark: megabytes per CPU-second and the shape of the chunks, beside LangChain.js in the same process and, where a Python with
 * them is named, the exact Python and Rust splitters on the same files.
 *
 *     node bench/chunker/run.ts [--json] [--short] [--corpus FOLDER] [--python PATH]
 *
 * `--short` takes a tenth of the texts and one repetition. Cold is the first pass in this process: code is compiled in it and no word is known.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { loadTokenizerModel } from '@sluice/tokenizer';
import { langchain, langchainCharacters, langchainReference, limits, sluice } from './contenders.ts';
import { type BenchDocument, exampleCorpus, readCorpus } from './corpus.ts';
import { median, type Result } from './measure.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    corpus: { type: 'string', default: exampleCorpus },
    python: { type: 'string' },
  },
});
const REPETITIONS = values.short ? 1 : 3;
/** The reference library makes LangChain slow: it is given this much. */
const REFERENCE_BYTES = values.short ? 60_000 : 400_000;

const model = await loadTokenizerModel();
const everything = readCorpus(values.corpus);
const documents = values.short ? everything.filter((_, at) => at % 10 === 0) : everything;
const megabytes = documents.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;

const results: Result[] = [sluice(documents, model, 'Sluice, cold')];
results.push(repeated(() => sluice(documents, model, 'Sluice, compiled; no word known')));
// Markdown is what both read; HTML goes to LangChain as markup, so it is left to the table's first lines.
const shared = documents.filter(({ format }) => format !== 'html');
results.push(repeated(() => sluice(shared, model, 'Sluice, Markdown and text only')));
results.push(await langchain(shared, model, 'recursive'), await langchain(shared, model, 'markdown'));
const tokenizerFile = fileURLToPath(new URL('../../packages/tokenizer/data/tokenizer.json.br', import.meta.url));
const tokenizerJson = brotliDecompressSync(readFileSync(tokenizerFile)).toString('utf8');
results.push(await langchainReference(shared, model, tokenizerJson, REFERENCE_BYTES));
results.push(await langchainCharacters(shared, model));
if (values.python !== undefined) results.push(...peers(values.python, shared));

const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
if (values.json) {
  console.log(JSON.stringify({ machine, megabytes, documents: documents.length, limits, results }));
} else {
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  console.log(
    `${documents.length} documents, ${megabytes.toFixed(1)} MB; ${limits.targetTokens}–${limits.maxTokens} tokens, counted exactly\n`,
  );
  console.table(
    results.map((row) => ({
      '': row.name,
      'MB/CPU-s': Number(row.megabytesPerCpuSecond.toFixed(2)),
      chunks: row.chunks,
      mean: row.meanTokens,
      spread: row.spreadTokens,
      most: row.mostTokens,
      over: row.over,
      tails: row.tails,
      whole: row.whole,
    })),
  );
}

/** The run with the median speed. */
function repeated(run: () => Result): Result {
  const runs = Array.from({ length: REPETITIONS }, run);
  const middle = median(runs.map(({ megabytesPerCpuSecond }) => megabytesPerCpuSecond));
  return runs.find(({ megabytesPerCpuSecond }) => megabytesPerCpuSecond === middle)!;
}

/** peers.py cuts the same texts, one result a line. */
function peers(python: string, texts: readonly BenchDocument[]): Result[] {
  const script = fileURLToPath(new URL('./peers.py', import.meta.url));
  const input = JSON.stringify({ tokenizer: tokenizerFile, limits, texts: texts.map(({ text }) => text) });
  const output = execFileSync(python, [script], { input, maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'ignore'] });
  return output
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
}
