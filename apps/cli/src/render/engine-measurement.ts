/** What was measured of an engine, as a table of length by size and the settings that follow. */
import type { EngineMeasurement } from '@sluice/embedder';
import { bold, dim } from './style.ts';
import { table } from './table.ts';
import { approx, count, duration } from './words.ts';

export interface MeasuredEngine extends EngineMeasurement {
  engine: string;
  where: string;
  /** Lengths of texts that the line sends: usual and largest. */
  targetTokens: number;
  maxTokens: number;
  /** Largest request tried. */
  largestPaddedTokens: number;
  corpusTokens: number;
  corpusSeconds: number;
}

export function renderEngineMeasurement(measured: MeasuredEngine): string {
  const { engine, where, cells, rate, bestPaddedTokens, inFlight, corpusTokens, corpusSeconds } = measured;
  const { targetTokens, maxTokens, largestPaddedTokens } = measured;
  const larger =
    bestPaddedTokens < largestPaddedTokens
      ? 'larger requests are less than 2 % faster'
      : 'the largest tried; --max-batch-tokens tries more';
  const rows = cells.map(({ tokens, rows: texts, ms, tokensPerSecond, refused }) => {
    const sorted = ms.toSorted((a, b) => a - b);
    const time = (value: number | undefined) => (value === undefined ? '' : count(Math.round(value)));
    return [
      count(tokens),
      count(texts),
      count(tokens * texts),
      time(sorted[0]),
      time(sorted[sorted.length >> 1]),
      time(sorted.at(-1)),
      refused === undefined ? count(Math.round(tokensPerSecond)) : refused,
    ];
  });
  const alone = inFlight[0];
  return [
    `${bold(engine)}  ${dim(where)}`,
    table(rows, {
      head: ['tokens a text', 'texts', 'tokens', 'ms min', 'median', 'max', 'tokens/s'],
      right: [0, 1, 2, 3, 4, 5, 6],
    }),
    '',
    dim(`Texts of ${count(targetTokens)} to ${count(maxTokens)} tokens, as the line sends them:`),
    table([
      [
        'a request takes',
        `${rate.requestMs.toFixed(1)} ms and 1 s for ${count(Math.round(rate.tokensPerSecond))} tokens`,
      ],
      ['best size', `SLUICE_BATCH_TOKENS=${bestPaddedTokens}; ${larger}`],
      ...inFlight.map(({ requests, tokensPerSecond }) => [
        `${requests} at a time`,
        `${count(Math.round(tokensPerSecond))} tokens/s${alone === undefined || requests === 1 ? '' : `, ${(tokensPerSecond / alone.tokensPerSecond).toFixed(2)} × one at a time`}`,
      ]),
      [`${approx(corpusTokens)} tokens`, `${duration(corpusSeconds)} at the best of these, without padding`],
    ]),
  ].join('\n');
}
