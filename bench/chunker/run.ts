/**
 * Chunker benchmark: megabytes per CPU-second and the shape of the chunks, beside LangChain.js in the same process and the other exact
 * splitters for Python, Rust and JavaScript in processes of their own, on the same texts at the same limit.
 *
 *     python3 bench/chunker/prepare.py FOLDER
 *     BENCH_CHUNKER=FOLDER node bench/chunker/run.ts [--json] [--short]
 *
 * Without the folder the texts are the example corpus, the splitters are those that are dependencies here, and nothing is promised.
 * `--short` takes a tenth of the texts and one round. Cold is the first pass of a process: code is compiled in it and no word is known.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { nodeFlags } from '@sluice/cli/node-flags';
import { loadTokenizerModel } from '@sluice/tokenizer';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { langchain, langchainCharacters, langchainReference, limits, sluice } from './contenders.ts';
import { exampleCorpus, readCorpus } from './corpus.ts';
import type { Result } from './measure.ts';
import { megabytesOf, peers, runPeer, sliceOf } from './peers.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const tokenizerFile = here('../../packages/tokenizer/data/tokenizer.json.br');
/** What is promised of one cold pass, and how many times as fast as these it is. */
const LEAST_MEGABYTES = 5;
const LEAST_TIMES = { chonkie: 3, chonkiejs: 12, langchain: 30 } as const;
/** Bytes for LangChain with the reference library, which it makes slow. */
const REFERENCE_BYTES = 2_000_000;

await bench({
  name: 'chunker',
  question: 'how fast documents are cut to exact token counts',
  async measure({ short, say }) {
    const prepared = process.env.BENCH_CHUNKER;
    const folder = prepared === undefined ? exampleCorpus : join(prepared, 'corpus');
    const every = short ? 10 : 1;
    const share = 1 / every;
    const rounds = short ? 1 : 3;
    const model = await loadTokenizerModel();
    const documents = readCorpus(folder).filter((_, at) => at % every === 0);
    // Markdown is what both read; HTML goes to the others as markup, so it is left to the first figures.
    const shared = documents.filter(({ format }) => format !== 'html');
    const tokenizerJson = brotliDecompressSync(readFileSync(tokenizerFile)).toString('utf8');
    const cold: Result[] = [];
    const warm: Result[] = [];
    const others: Result[] = [];
    const times: Record<keyof typeof LEAST_TIMES, number[]> = { chonkie: [], chonkiejs: [], langchain: [] };
    // Compiles the code of the passes in this process.
    sluice(documents, model, '');
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      cold.push(coldPass(folder, every));
      warm.push(sluice(documents, model, 'Sluice, code compiled, no word known'));
      if (shared.length < documents.length) warm.push(sluice(shared, model, 'Sluice, Markdown and text only'));
      const some = sliceOf(shared, REFERENCE_BYTES * share);
      others.push(
        await langchain(shared, model, 'recursive'),
        await langchain(shared, model, 'markdown'),
        await langchainReference(some, model, tokenizerJson, `${megabytesOf(some).toFixed(1)} MB`),
        await langchainCharacters(shared, model),
      );
      if (prepared === undefined) continue;
      for (const [key, peer] of Object.entries(peers)) {
        say(peer.name);
        const result = runPeer(peer, prepared, shared, model, tokenizerJson, share);
        others.push(result);
        if (key in times) {
          const speed = cold.at(-1)!.megabytesPerCpuSecond / result.megabytesPerCpuSecond;
          times[key as keyof typeof times].push(speed);
        }
      }
    }
    const promised = { ...(prepared !== undefined && { limit: { atLeast: LEAST_MEGABYTES } }) };
    const figures: Figure[] = [
      ...speeds(cold).map((figure) => ({ ...figure, ...promised })),
      ...speeds(warm),
      ...speeds(others).map((figure) => ({ ...figure, baseline: true as const })),
      ...(Object.keys(LEAST_TIMES) as (keyof typeof LEAST_TIMES)[])
        .filter((key) => times[key].length > 0)
        .map((key) => ({
          name: `Sluice, cold, against ${peers[key].name}`,
          unit: 'times as fast',
          runs: times[key],
          limit: { atLeast: LEAST_TIMES[key] },
        })),
    ];
    const shapes = new Map([...cold, ...warm, ...others].map((result) => [result.name, result]));
    return {
      configuration: {
        texts: prepared === undefined ? 'examples/corpus' : "pages of Debian's documentation as Markdown",
        documents: documents.length,
        megabytes: Math.round(megabytesOf(documents) * 10) / 10,
        tokens: `${limits.targetTokens}–${limits.maxTokens}, counted exactly`,
        rounds,
      },
      figures,
      remarks: [...shapes.values()].map(
        ({ name, chunks, meanTokens, spreadTokens, mostTokens, over, tails, whole }) =>
          `${name}: ${chunks} chunks of ${meanTokens} ± ${spreadTokens} tokens, ${mostTokens} at most, ${over} over, ${tails} tails, whole ${whole}`,
      ),
    };
  },
});

function coldPass(folder: string, every: number): Result {
  // What an earlier process compiled would be found in the cache that Sluice's processes share.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const output = execFileSync(process.execPath, [...nodeFlags, here('cold.ts'), folder, String(every)], { env });
  return JSON.parse(output.toString('utf8')) as Result;
}

function speeds(results: readonly Result[]): Figure[] {
  return [...Map.groupBy(results, ({ name }) => name)].map(([name, runs]) => ({
    name,
    unit: 'MB/CPU-s',
    runs: runs.map(({ megabytesPerCpuSecond }) => megabytesPerCpuSecond),
  }));
}
