/**
 * Tries one row on lines of its own, which are closed afterwards. On a machine so busy that the harness's own connections give up
 * (an error of verdict `retry` from around the proxies), nothing is learned of the row: it is tried again, twice at most.
 */
import { isSluiceError } from '@sluice/core';
import { type LineBench, openLineBench } from './line-bench.ts';
import type { MatrixRow, Stage } from './matrix-row.ts';
import type { Outcome } from './outage.ts';
import { createRandom } from './random.ts';

const TRIES = 3;

/** Throws what broke the row's promise. */
export async function tryRow(row: MatrixRow, stage: Omit<Stage, 'bench'>, seed: number): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const opened: LineBench[] = [];
    const bench = async (): Promise<LineBench> => {
      const random = createRandom(seed).fork(row.id);
      const line = await openLineBench(`fault-${row.id.toLowerCase()}`, stage.milvus, random);
      opened.push(line);
      return line;
    };
    try {
      return await row.run({ ...stage, bench });
    } catch (error) {
      if (tries === TRIES || !isSluiceError(error) || error.verdict !== 'retry') throw error;
    } finally {
      for (const line of opened) await line.close().catch(() => undefined);
    }
  }
}
