/**
 * One text made to hurt, cut in a process of its own; a line of JSON comes back. What is asked for is `time` or `memory`: time wants code
 * that is compiled, memory a process that has cut nothing yet. The text is in a file, so that making it leaves nothing behind.
 *
 *     node --expose-gc bench/hostile/one.ts time|memory FILE FORMAT
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createChunker } from '@sluice/chunker';
import { type TextFormat, totalTokens } from '@sluice/core';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { limits } from '../chunker/contenders.ts';
import { exampleCorpus, readCorpus } from '../chunker/corpus.ts';
import { cpuSeconds } from '../chunker/measure.ts';

/** The best of so many counts, and of more while they took less than this together: a few milliseconds are mostly chance. */
const RUNS = 5;
const LEAST_SECONDS = 2;

const [what, file, format] = process.argv.slice(2) as ['time' | 'memory', string, TextFormat];
const model = await loadTokenizerModel();
const fresh = () => createChunker(createTokenizer(model), limits);
const text = readFileSync(file, 'utf8');
const megabytes = Buffer.byteLength(text) / 1e6;
process.stdout.write(`${JSON.stringify(what === 'time' ? time() : memory())}\n`);

/** CPU seconds a MB of the text, and of ordinary prose: the corpus's Markdown and text. */
function time(): { seconds: number; prose: number } {
  const corpus = readCorpus(exampleCorpus).filter((document) => document.format !== 'html');
  const prose = () => {
    const chunker = fresh();
    return cpuSeconds(() => {
      for (const document of corpus) chunker.cut(document);
    });
  };
  const hurt = () => {
    const chunker = fresh();
    return cpuSeconds(() => chunker.cut({ text, format }));
  };
  const size = corpus.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  let best = { prose: Number.POSITIVE_INFINITY, seconds: Number.POSITIVE_INFINITY };
  let spent = 0;
  // In turn, so that both have the same moments of a busy machine.
  for (let n = 0; n < RUNS || spent < LEAST_SECONDS; n++) {
    const now = { prose: prose(), seconds: hurt() };
    spent += now.prose + now.seconds;
    best = { prose: Math.min(best.prose, now.prose), seconds: Math.min(best.seconds, now.seconds) };
  }
  return { prose: best.prose / size, seconds: best.seconds / megabytes };
}

/** Resident MB at the peak beyond what the process held with the text and the tokenizer in it. */
function memory(): { megabytes: number; extra: number; chunks: number; most: number } {
  const chunker = fresh();
  chunker.cut({ text: '# One\n\nFor the tables that grow once.', format: 'markdown' });
  global.gc?.();
  resetPeak();
  const before = process.memoryUsage.rss() / 1e6;
  const { chunks } = chunker.cut({ text, format });
  const extra = Math.max(0, peak() - before);
  const most = chunks.reduce((high, { tokens }) => Math.max(high, totalTokens(tokens)), 0);
  return { megabytes, extra, chunks: chunks.length, most };
}

/** Linux remembers the highest resident size, and forgets it when asked to; elsewhere it is that of the whole process. */
function resetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peak(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1_024) / 1e6;
  return (Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1_024) / 1e6;
}
