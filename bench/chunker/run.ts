/**
 * Chunker benchmark: megabytes per CPU-second and the shape of the chunks, beside LangChain.js in the same process and, where a Python with
 * them is named, the exact Python and Rust splitters on the same files.
 *
 *     node bench/chunker/run.ts [--json] [--short]
 *
 * BENCH_CORPUS names another folder of texts, BENCH_PYTHON a Python with the splitters. `--short` takes a tenth of the texts and one
 * repetition. Cold is the first pass in this process: code is compiled in it and no word is known.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { loadTokenizerModel } from '@sluice/tokenizer';
import { bench } from '../report/bench.ts';
import { langchain, langchainCharacters, langchainReference, limits, sluice } from './contenders.ts';
import { type BenchDocument, exampleCorpus, readCorpus } from './corpus.ts';
import type { Result } from './measure.ts';

const tokenizerFile = fileURLToPath(new URL('../../packages/tokenizer/data/tokenizer.json.br', import.meta.url));

await bench({
  name: 'chunker',
  question: 'how fast documents are cut to exact token counts',
  async measure({ short }) {
    const model = await loadTokenizerModel();
    const everything = readCorpus(process.env.BENCH_CORPUS ?? exampleCorpus);
    const documents = short ? everything.filter((_, at) => at % 10 === 0) : everything;
    const rounds = short ? 1 : 3;
    // Markdown is what both read; HTML goes to LangChain as markup, so it is left to the first figures.
    const shared = documents.filter(({ format }) => format !== 'html');
    const tokenizerJson = brotliDecompressSync(readFileSync(tokenizerFile)).toString('utf8');
    const ours: Result[][] = [[sluice(documents, model, 'Sluice, cold')]];
    const theirs: Result[][] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push([
        sluice(documents, model, 'Sluice, compiled; no word known'),
        sluice(shared, model, 'Sluice, Markdown and text only'),
      ]);
      theirs.push([
        await langchain(shared, model, 'recursive'),
        await langchain(shared, model, 'markdown'),
        // The reference library makes LangChain slow: it is given this much.
        await langchainReference(shared, model, tokenizerJson, short ? 60_000 : 400_000),
        await langchainCharacters(shared, model),
        ...(process.env.BENCH_PYTHON === undefined ? [] : peers(process.env.BENCH_PYTHON, shared)),
      ]);
    }
    const figures = [ours.flat(), theirs.flat()].flatMap((results, index) =>
      [...Map.groupBy(results, ({ name }) => name)].map(([name, runs]) => ({
        name,
        unit: 'MB/CPU-s',
        runs: runs.map(({ megabytesPerCpuSecond }) => megabytesPerCpuSecond),
        ...(index === 1 && { baseline: true as const }),
      })),
    );
    const shapes = [...new Map([...ours.flat(), ...theirs.flat()].map((result) => [result.name, result])).values()];
    return {
      configuration: {
        documents: documents.length,
        megabytes: Math.round(documents.reduce((sum, { bytes }) => sum + bytes, 0) / 1e5) / 10,
        tokens: `${limits.targetTokens}–${limits.maxTokens}, counted exactly`,
        rounds,
      },
      figures,
      remarks: shapes.map(
        ({ name, chunks, meanTokens, spreadTokens, mostTokens, over, tails, whole }) =>
          `${name}: ${chunks} chunks of ${meanTokens} ± ${spreadTokens} tokens, ${mostTokens} at most, ${over} over, ${tails} tails, whole ${whole}`,
      ),
    };
  },
});

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
