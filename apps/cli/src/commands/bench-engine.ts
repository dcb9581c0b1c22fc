/** `sluice bench engine`: how fast the engine is by length and size of requests, the best settings, and what a corpus will take. */
import { SluiceError } from '@sluice/core';
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
const IN_FLIGHT = [1, 2, 4];

export async function run(options: BenchEngineOptions): Promise<void> {
  await runCommand('bench-engine', options, async ({ config, logger, releaser, signal }) => {
    const { limits, profile } = planSpace(config).engine;
    const { targetTokens, maxTokens, maxRows } = limits;
    const largest = options.maxBatchTokens ?? config.SLUICE_BATCH_TOKENS;
    if (largest < maxTokens) {
      throw new SluiceError('bad_usage', {
        message: 'No request of this size would take the largest text of the line',
        where: '--max-batch-tokens',
        expected: `at least SLUICE_MAX_TOKENS, ${maxTokens}`,
        got: String(largest),
      });
    }
    const sizes: number[] = [];
    for (let size = Math.min(SMALLEST, maxTokens); size < largest; size *= 2) sizes.push(size);
    sizes.push(largest);
    const lengths = [...new Set([...LENGTHS, targetTokens, maxTokens])]
      .filter((length) => length <= maxTokens)
      .toSorted((a, b) => a - b);
    const engine = await createEngine(config, { logger });
    releaser.push('the engine', () => engine.close());
    const onCell = ({ tokens, rows }: EngineCell): void => {
      if (process.stderr.isTTY) process.stderr.write(`\r${rows} × ${tokens} tokens   `);
    };
    const measured = await measureEngine(engine, {
      count: await passageCounter(config),
      lengths,
      lineLengths: lengths.filter((length) => length >= targetTokens),
      sizes,
      maxRows,
      repeats: options.repeats,
      inFlight: IN_FLIGHT.filter((requests) => requests <= config.SLUICE_IN_FLIGHT),
      signal,
      onCell,
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const corpusSeconds = options.corpusTokens / Math.max(...measured.inFlight.map((entry) => entry.tokensPerSecond));
    const result = {
      engine: profile.name,
      where: engine.where,
      ...measured,
      targetTokens,
      maxTokens,
      largestPaddedTokens: largest,
      corpusTokens: options.corpusTokens,
      corpusSeconds,
    };
    if (options.json === true) printJson({ type: 'engine-measurement', ...result });
    else process.stdout.write(`${renderEngineMeasurement(result)}\n`);
  });
}
