/** What a dry run found, and what the vectors will take in Milvus at each trained dimension. */
import type { LinePlan } from '@sluice/line';
import type { DryRunSummary } from '@sluice/producer';
import { bold, dim, red } from './style.ts';
import { table } from './table.ts';
import { approx, count, duration } from './words.ts';

export function renderDryRun(summary: DryRunSummary, plan: LinePlan): string {
  const { documents, chunks, tokens } = summary;
  const rows: string[][] = [
    ['read', count(documents.read), ''],
    ['skipped', count(documents.skipped), ''],
    ...Object.entries(summary.rejectedByCode).map(([code, value]) => [red('rejected'), count(value), code]),
    [
      'chunks',
      count(chunks.count),
      `${count(chunks.meanTokens)} tokens on average, ${count(chunks.longestTokens)} the longest`,
    ],
    ['tokens', count(tokens), ''],
    ['text', approx(summary.bytes), 'bytes'],
    [
      'vectors',
      approx(chunks.count * plan.space.storedDimension * 4),
      `bytes at ${plan.space.storedDimension} dimensions`,
    ],
  ];
  return [bold('Dry run: nothing was touched'), table(rows, { right: [1] }), dim(duration(summary.seconds))].join('\n');
}
