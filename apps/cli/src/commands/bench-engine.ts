/** `sluice bench engine`: how fast the engine is by length and size of requests, the best settings, and what a corpus will take. */
import { createEngine, type EngineCell, measureEngine } from '@sluice/embedder';
import { planSpace } from '@sluice/line';
import { passageCounter } from '../passage-counter.ts';
import { renderEngineMeasurement } from '../render/engine-measurement.ts';
import { printJson, runCommand } from '../run-command.ts';

export interface BenchEngineOptions {
  /** Padded tokens of the largest request tried. */
  maxBatchTokens?: number;
  /** Tokens of the corpus whose time is forecast. */
  corpusTokens: number;
  repeats: number;
  json?: boolean;
  line?: string;
}

const LENGTHS = [256, 512, 1_024, 2_048, 4_096, 8_192];
const SMALLEST = 2_048;

export async function run(options: BenchEngineOptions): Promise<void> {
  await runCommand('bench-engine', options, async ({ config, logger, releaser, signal }) => {
    const { limits, profile } = planSpace(config).engine;
    const largest = options.maxBatchTokens ?? config.SLUICE_BATCH_TOKENS;
    const sizes: number[] = [];
    for (let size = Math.min(SMALLEST, largest); size < largest; size *= 2) sizes.push(size);
    sizes.push(largest);
    const engine = await createEngine(config, { logger });
    releaser.push('the engine', () => engine.close());
    const onCell = ({ tokens, rows }: EngineCell): void => {
      if (process.stderr.isTTY) process.stderr.write(`\r${rows} × ${tokens} tokens   `);
    };
    const measured = await measureEngine(engine, {
      count: await passageCounter(config),
      lengths: LENGTHS.filter((length) => length <= Math.min(limits.maxTokens, largest)),
      sizes,
      repeats: options.repeats,
      inFlight: [1, 2, 4],
      signal,
      onCell,
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const corpusSeconds = options.corpusTokens / Math.max(...measured.inFlight.map((entry) => entry.tokensPerSecond));
    const result = {
      engine: profile.name,
      where: engine.where,
      ...measured,
      corpusTokens: options.corpusTokens,
      corpusSeconds,
    };
    if (options.json === true) printJson({ type: 'engine-measurement', ...result });
    else process.stdout.write(`${renderEngineMeasurement(result)}\n`);
  });
}
