/**
 * How long a request of the in-process ONNX engine keeps the event loop from everything else: heartbeats, locks, HTTP. What is promised is
 * about the main thread's own computing, all of it together: no block can be longer. The longest block by the clock is beside it; on a busy
 * machine that is the turns of other programs. Through HTTP the main thread reads and writes what weighs megabytes, in turns: there the longest
 * turn counts, with vectors of 1,024 components that are made beforehand, so that the serving is all there is.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine, type Engine, nullVector, profiles, serveEngine } from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';

const tinyFolder = fileURLToPath(new URL('../../test/fixtures/jina-v3-tiny', import.meta.url));
const TINY_DIMENSION = 64;
const WORDS_OF_4_000_TOKENS = 3_900;
const SHAPES = [
  { name: '4 texts of 3,900 words', texts: 4, words: WORDS_OF_4_000_TOKENS },
  { name: '512 texts of 8 words', texts: 512, words: 8 },
];

/** The same kinds, in seconds. */
const SHORT_SHAPES = [
  { name: '1 text of 1,000 words', texts: 1, words: 1_000 },
  { name: '64 texts of 8 words', texts: 64, words: 8 },
];

const SERVED = { rows: 512, dimension: 1_024, wordsOfAText: 2_000 };

await bench({
  name: 'event-loop',
  question: 'how long a request of the in-process ONNX engine blocks the event loop',
  async measure({ short, say }) {
    const { config } = loadConfig([
      {
        name: 'bench',
        values: {
          SLUICE_ENGINE: 'onnx',
          SLUICE_MODEL: 'jina-v3-tiny',
          SLUICE_FULL_DIMENSION: String(TINY_DIMENSION),
          SLUICE_MODEL_DIR: tinyFolder,
        },
      },
    ]);
    const engine = await createEngine(config, { logger: silentLogger });
    const figures: Figure[] = [];
    try {
      for (const { name, texts: count, words } of short ? SHORT_SHAPES : SHAPES) {
        say(name);
        // One that knows no word yet.
        const tokenizer = createTokenizer(await loadTokenizerModel());
        const texts = Array.from({ length: count }, (_, i) => `rabbit ${i} `.repeat(words >> 1).trimEnd());
        const embed = () => engine.embed({ texts, tokens: texts.map(() => 4_096), role: 'passage' });
        await embed();
        const blocks: number[] = [];
        const own: number[] = [];
        const whole: number[] = [];
        for (let round = 0; round < (short ? 1 : 5); round++) {
          // Apart: the clock's own ticks, a hundred a second, would count as computing.
          const before = process.threadCpuUsage();
          const startedMs = performance.now();
          await embed();
          whole.push(performance.now() - startedMs);
          const { user, system } = process.threadCpuUsage(before);
          own.push((user + system) / 1_000);

          const delay = monitorEventLoopDelay({ resolution: 10 });
          delay.enable();
          await embed();
          delay.disable();
          blocks.push(delay.max / 1e6);
        }
        figures.push(
          { name: `longest block, ${name}`, unit: 'ms', runs: blocks },
          {
            name: `own computing of the main thread, ${name}`,
            unit: 'ms',
            runs: own,
            limit: { atMost: 50, everyRun: true },
          },
          { name: `the request, ${name}`, unit: 'ms', runs: whole },
          {
            name: `counting its tokens on the main thread, ${name}`,
            unit: 'ms',
            runs: [ownMs(() => texts.map((text) => tokenizer.count(text)))],
            baseline: true,
          },
        );
      }
    } finally {
      await engine.close();
    }
    for (const encoding of ['float', 'base64'] as const) {
      say(`over HTTP, ${encoding}`);
      figures.push({
        name: `longest turn, ${SERVED.rows} texts of ${SERVED.wordsOfAText} words over HTTP, ${SERVED.dimension} dimensions as ${encoding}`,
        unit: 'ms',
        runs: await servedTurns(encoding, short ? 1 : 5),
        limit: { atMost: 50, everyRun: true },
      });
    }
    figures.push({
      name: 'the same in one turn, JSON.parse and JSON.stringify',
      unit: 'ms',
      runs: Array.from({ length: short ? 1 : 5 }, inOneTurn),
      baseline: true,
    });
    return { configuration: { model: 'jina-v3-tiny', dimension: TINY_DIMENSION, device: 'cpu' }, figures };
  },
});

function ownMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** Reading the request and writing the reply as most servers do. */
function inOneTurn(): number {
  const { rows, dimension, wordsOfAText } = SERVED;
  const vectors = Array.from({ length: rows }, (_, i) => [...nullVector(String(i), dimension)]);
  const body = JSON.stringify({ input: vectors.map((_, i) => `rabbit ${i} `.repeat(wordsOfAText >> 1)) });
  return ownMs(() => {
    JSON.parse(body);
    return JSON.stringify({ data: vectors.map((embedding, index) => ({ index, embedding })) });
  });
}

/** Milliseconds of this thread's own computing in the longest turn of its event loop, a request each. */
async function servedTurns(encoding: 'float' | 'base64', rounds: number): Promise<number[]> {
  const { rows, dimension, wordsOfAText } = SERVED;
  const vectors = Array.from({ length: rows }, (_, i) => nullVector(String(i), dimension));
  const engine: Engine = {
    profile: profiles.onnx!,
    fullDimension: dimension,
    where: 'in-process',
    embed: async () => ({ vectors }),
    close: async () => {},
  };
  const server = await serveEngine({ engine: Promise.resolve(engine), model: 'null', port: 0, logger: silentLogger });
  const input = vectors.map((_, i) => `rabbit ${i} `.repeat(wordsOfAText >> 1));
  const body = Buffer.from(JSON.stringify({ input, task: 'retrieval.passage', encoding_format: encoding }));
  /** Reads as it comes: parsing the reply would be a block of the reader's own. */
  const ask = async () => {
    const response = await fetch(`${server.url}/v1/embeddings`, { method: 'POST', body });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    for await (const _ of response.body!);
  };
  try {
    await ask();
    const turns: number[] = [];
    for (let round = 0; round < rounds; round++) turns.push(await longestTurnMs(ask));
    return turns;
  } finally {
    await server.close();
  }
}

async function longestTurnMs(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let working = true;
  let before = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, user + system);
    before = process.threadCpuUsage();
    if (working) setImmediate(look);
  };
  setImmediate(look);
  await work();
  working = false;
  return longest / 1_000;
}
