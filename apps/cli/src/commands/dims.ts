/**
 * `sluice dims`: what a smaller SLUICE_DIMENSION would cost, on the user's own chunks. Where the line stores the full vectors
 * they are read; where it stores cut ones, the texts of the sample are embedded again, without their headings.
 */
import { type Config, type Logger, type Releaser, SluiceError } from '@sluice/core';
import { createEngine, type DimensionRecall, dimensionRecall, resolveEngine } from '@sluice/embedder';
import { openExistingLine, planSpace, sampleLine } from '@sluice/line';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { bytes, count } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

const K = 10;
/** Four chunks of 4,096 tokens are the default budget of a request. */
const TEXTS_A_REQUEST = 4;

export async function run(options: { sample: number; json?: boolean; line?: string }): Promise<void> {
  await runCommand('dims', options, async ({ config, logger, releaser, signal }) => {
    const line = await openExistingLine(config, { logger, releaser });
    line.store.requireSpace(line.info, planSpace(config).space);
    const { model, fullDimension, storedDimension } = line.info.space;
    const stored = storedDimension === fullDimension;
    const rows = await sampleLine(line, { size: options.sample, field: stored ? 'vector' : 'text' });
    if (rows.length <= K) {
      throw new SluiceError('bad_usage', {
        message: 'The line has too few chunks to compare neighbours',
        where: `line ${line.name}`,
        expected: `more than ${K} stored chunks`,
        got: String(rows.length),
        fix: 'Ingest more documents first.',
      });
    }
    const progress = (text: string) => {
      if (process.stderr.isTTY) process.stderr.write(`${dim(text)}\n`);
    };
    const vectors = stored
      ? rows.map(({ vector }) => vector!)
      : await embedAgain(
          rows.map(({ text }) => text!),
          { config, logger, releaser, signal, progress },
        );
    const sizes = sizesOf(config, { fullDimension, storedDimension });
    const found = await dimensionRecall(vectors, sizes, {
      k: K,
      progress: (dimension) => progress(`comparing at ${dimension} dimensions …`),
    });
    if (options.json === true) {
      printJson({ line: line.name, model, fullDimension, storedDimension, sample: vectors.length, k: K, sizes: found });
    } else {
      process.stdout.write(`${render(found, storedDimension)}\n`);
      process.stderr.write(
        `${dim(`recall@${K}: how many of a chunk's ${K} nearest stay so, over ${count(vectors.length)} chunks of ${line.name}, against ${count(fullDimension)} dimensions. SLUICE_DIMENSION chooses, for a new line.`)}\n`,
      );
    }
  });
}

/** The trained sizes up to the full one, and the one that is stored now; of a model without any, the full one and its halves. */
export function sizesOf(
  config: Config,
  { fullDimension: full, storedDimension }: { fullDimension: number; storedDimension: number },
): number[] {
  const { trainedDimensions } = resolveEngine(config).profile;
  const sizes = trainedDimensions.filter((size) => size < full);
  if (sizes.length === 0) for (let size = full >> 1; size >= 32; size >>= 1) sizes.unshift(size);
  return [...new Set([...sizes, storedDimension, full])].toSorted((a, b) => a - b);
}

async function embedAgain(
  texts: readonly string[],
  {
    config,
    logger,
    releaser,
    signal,
    progress,
  }: { config: Config; logger: Logger; releaser: Releaser; signal: AbortSignal; progress: (text: string) => void },
): Promise<Float32Array[]> {
  const engine = await createEngine(config, { logger });
  releaser.push('the engine', () => engine.close());
  const vectors: Float32Array[] = [];
  for (let at = 0; at < texts.length; at += TEXTS_A_REQUEST) {
    const part = texts.slice(at, at + TEXTS_A_REQUEST).map((text) => text.normalize('NFC').trimEnd());
    // Characters bound the tokens from above; they only set the deadline.
    const reply = await engine.embed({
      texts: part,
      tokens: part.map(({ length }) => length + 2),
      role: 'passage',
      signal,
    });
    vectors.push(...reply.vectors.filter((vector) => vector !== null));
    progress(`embedded ${count(vectors.length)} of ${count(texts.length)}`);
  }
  return vectors;
}

function render(found: readonly DimensionRecall[], storedDimension: number): string {
  return table(
    found.map(({ dimension, recall, bytesPerMillion }) => [
      count(dimension),
      recall.toFixed(3),
      bytes(bytesPerMillion),
      dimension === storedDimension ? 'stored now' : '',
    ]),
    { head: ['dimension', `recall@${K}`, 'a million chunks', ''], right: [0, 1, 2] },
  );
}
