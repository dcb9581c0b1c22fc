/**
 * `npm run test:faults [-- IDS… --seed N --outage-s 30 --at-once 4 --json]`: every row of the fault matrix that this machine can inject, or
 * those of IDS (`W3` means all of W3-1, W3-2 …); a line or two a row. Exit code 1 when a promise was broken.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { seconds } from './figures.ts';
import { matrix } from './matrix.ts';
import type { MatrixRow } from './matrix-row.ts';
import { startMilvusServer } from './milvus-server.ts';
import type { Outcome } from './outage.ts';
import { tryRow } from './try-row.ts';

const ROW_LIMIT_MS = 900_000;

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    'outage-s': { type: 'string', default: '30' },
    // Rows mostly wait: some at a time cost little, and each has its own servers but for Milvus.
    'at-once': { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const chosen = matrix.filter(
  ({ id }) => positionals.length === 0 || positionals.some((one) => id === one || id.startsWith(`${one}-`)),
);
const home = mkdtempSync(join(tmpdir(), 'sluice-matrix-'));
const milvus = await startMilvusServer(home);
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`;
let broken = 0;
try {
  if (!values.json) process.stdout.write(`seed ${values.seed}, outages of ${values['outage-s']} s; ${machine}\n`);
  const limit = pLimit(Number(values['at-once']));
  await Promise.all(chosen.filter(({ exclusive }) => exclusive !== true).map((row) => limit(() => tryOut(row))));
  for (const row of chosen.filter(({ exclusive }) => exclusive === true)) await tryOut(row);
} finally {
  await milvus.kill();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(
  values.json
    ? `${JSON.stringify({ type: 'summary', rows: chosen.length, broken, machine })}\n`
    : `${chosen.length - broken} of ${chosen.length} rows held\n`,
);
process.exitCode = broken > 0 ? 1 : 0;

async function tryOut(row: MatrixRow): Promise<void> {
  const startedAt = performance.now();
  const outageMs = Number(values['outage-s']) * 1_000;
  const running = tryRow(row, { milvus, milvusServer: milvus, short: false, outageMs }, Number(values.seed));
  const tooLong = new AbortController();
  try {
    show(row, startedAt, { outcome: await Promise.race([running, limitOf(tooLong.signal)]) });
  } catch (error) {
    broken += 1;
    show(row, startedAt, { error });
    running.catch(() => undefined);
  } finally {
    tooLong.abort();
  }
}

function limitOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${ROW_LIMIT_MS / 1_000} s`)), ROW_LIMIT_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

function show(row: MatrixRow, startedAt: number, { outcome, error }: { outcome?: Outcome; error?: unknown }): void {
  const { id, fault, promise } = row;
  const tookS = (performance.now() - startedAt) / 1_000;
  const result = error === undefined ? 'held' : `BROKEN: ${(error as Error).message}`;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ type: 'row', id, fault, promise, result, tookS, ...outcome })}\n`);
    return;
  }
  const { recoveryMs, cpuShare, note } = outcome ?? {};
  const figures = [
    ...(recoveryMs === undefined ? [] : [`all stored ${seconds(recoveryMs)} after it ended`]),
    ...(cpuShare === undefined ? [] : [`worker ${(cpuShare * 100).toFixed(1)} % of a core`]),
    ...(note === undefined ? [] : [note]),
  ];
  process.stdout.write(`${id.padEnd(14)} ${fault}\n${' '.repeat(15)}${result}; ${[promise, ...figures].join('; ')}\n`);
}
