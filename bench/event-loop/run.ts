/**
 * How long a request of the in-process ONNX engine keeps the event loop from everything else: heartbeats, locks, HTTP. What is promised is
 * about the main thread's own computing, all of it together: no block can be longer. The longest block by the clock is beside it; on a busy
 * machine that is the turns of other programs.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine } from '@sluice/embedder';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';

const tinyFolder = fileURLToPath(new URL('../../test/fixtures/jina-v3-tiny', import.meta.url));
const TINY_DIMENSION = 64;
const WORDS_OF_4_000_TOKENS = 3_900;
const SHAPES = [
  { name: '4 texts of 3,900 words', texts: 4, words: WORDS_OF_4_000_TOKENS },
  { name: '512 texts of 8 words', texts: 512, words: 8 },
];

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
      for (const { name, texts: count, words } of SHAPES) {
        say(name);
        const texts = Array.from({ length: count }, (_, i) => `rabbit ${i} `.repeat(words >> 1).trimEnd());
        const embed = () => engine.embed({ texts, tokens: texts.map(() => 4_096), role: 'passage' });
        await embed();
        const blocks: number[] = [];
        const own: number[] = [];
        const whole: number[] = [];
        for (let round = 0; round < (short ? 2 : 5); round++) {
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
        );
      }
    } finally {
      await engine.close();
    }
    return { configuration: { model: 'jina-v3-tiny', dimension: TINY_DIMENSION, device: 'cpu' }, figures };
  },
});
