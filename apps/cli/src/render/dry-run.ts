/** What a dry run found, and what the real run will cost: requests, engine time, Milvus at each dimension, Redis. */
import type { LinePlan } from '@sluice/line';
import type { DryRunSummary } from '@sluice/producer';
import { MEMORY_PAUSE } from '@sluice/queue';
import { bold, dim, red } from './style.ts';
import { table } from './table.ts';
import { bytes, count, duration } from './words.ts';

export function renderDryRun(summary: DryRunSummary, plan: LinePlan): string {
  const { documents, chunks, tokens, forecast } = summary;
  const { requests, paddingShare, engineSeconds, finishSeconds, milvusBytes, redisPeakBytes } = forecast;
  const found: string[][] = [
    ['read', count(documents.read), ''],
    ['skipped', count(documents.skipped), ''],
    ...Object.entries(summary.rejectedByCode).map(([code, value]) => [red('rejected'), count(value), code]),
    [
      'chunks',
      count(chunks.count),
      `${count(chunks.meanTokens)} tokens on average, ${count(chunks.longestTokens)} the longest`,
    ],
    ['tokens', count(tokens), ''],
    ['text', bytes(summary.bytes), ''],
  ];
  const costs: string[][] = [
    ['engine requests', count(requests), `${(100 * paddingShare).toFixed(1)} % padding`],
    ...(engineSeconds === undefined || finishSeconds === undefined
      ? [['engine time', '?', 'say --engine-rate TOKENS, or --calibrate to measure the engine']]
      : [
          ['engine time', duration(engineSeconds), ''],
          ['finished after', duration(finishSeconds), 'with one worker'],
        ]),
    ...milvusBytes.map(({ dimension, bytes: size }) => [
      'rows in Milvus',
      bytes(size),
      `at ${count(dimension)} dimensions${dimension === plan.space.storedDimension ? ', the setting' : ''}, before its index`,
    ]),
    ['Redis at its peak', bytes(redisPeakBytes), `needs a maxmemory of ${bytes(redisPeakBytes / MEMORY_PAUSE)}`],
  ];
  return [
    bold('Dry run: nothing was touched'),
    table(found, { right: [1] }),
    '',
    bold('The real run, if every document is new'),
    table(costs, { right: [1] }),
    dim(duration(summary.seconds)),
  ].join('\n');
}
