/** The matrix: every row that this machine can inject. What it cannot is listed on the reliability page. */
import type { MatrixRow } from './matrix-row.ts';
import { engineRows } from './rows-engine.ts';
import { milvusRows } from './rows-milvus.ts';
import { processRows } from './rows-process.ts';
import { producerRows } from './rows-producer.ts';
import { redisRows } from './rows-redis.ts';

export const matrix: readonly MatrixRow[] = [
  ...processRows,
  ...producerRows,
  ...redisRows,
  ...engineRows,
  ...milvusRows,
];
