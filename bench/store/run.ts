/**
 * What writing rows costs: client CPU, rows a second and the longest slice of the event loop, for Sluice's packed rows and for the SDK's rows,
 * interleaved on the same embedded Milvus, in requests of the same size and number.
 *
 *     node bench/store/run.ts [--json] [--short]
 *
 * The SDK's rows come twice: vectors as `number[]`, which is its documented form, and as Float32Array, which it happens to take.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '@sluice/core';
import { startStack } from '@sluice/embedded';
import { connectStore, type Store } from '@sluice/store';
import { type Assignment, CONTENDERS, type Contender, type Round } from './contender.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean' }, short: { type: 'boolean' } } });
const ROUNDS = values.short ? 3 : 7;
const CONFIGURATION = { rowsPerRequest: 256, requests: values.short ? 4 : 8, inFlight: 4, textBytes: 8_000 };
const CASES = [
  { dimension: 1_024, text: 'English' },
  { dimension: 256, text: 'English' },
  { dimension: 1_024, text: 'Vietnamese' },
] as const;

const home = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
const stack = await startStack({
  home,
  programs: resolve(import.meta.dirname, '../../.sluice'),
  needs: { queue: false, store: true },
  logger: silentLogger,
  stopTimeoutMs: 500,
});
const milvus = stack.state.milvus!;
const children = CONTENDERS.map((name) => ({
  name,
  child: fork(resolve(import.meta.dirname, 'contender.ts'), [name, JSON.stringify(milvus)]),
}));
try {
  const store = await connectStore({ ...milvus, logger: silentLogger });
  const results = [];
  for (const [number, one] of CASES.entries()) results.push(await runCase(store, one, `bench-${number}`));
  print({
    machine: {
      cpu: cpus()[0]?.model,
      cores: availableParallelism(),
      load: loadavg()[0],
      node: process.version,
      milvus: await store.version(),
    },
    configuration: { ...CONFIGURATION, rounds: ROUNDS },
    results,
  });
  await store.close();
} finally {
  for (const { child } of children) child.kill();
  await stack.stop();
  await rm(home, { recursive: true, force: true });
}

async function runCase(store: Store, { dimension, text }: (typeof CASES)[number], line: string) {
  const space = {
    model: 'bench',
    modelRevision: '1',
    task: 'retrieval.passage',
    instruction: '',
    fullDimension: dimension,
    storedDimension: dimension,
  };
  const { info } = await store.openLine({ line, space });
  const rounds = new Map<Contender, Round[]>(CONTENDERS.map((name) => [name, []]));
  let revision = 1;
  // The first round compiles.
  for (let round = -1; round < ROUNDS; round++) {
    for (const { name, child } of children) {
      const work: Assignment = { ...CONFIGURATION, line, collection: info.collection, dimension, text, revision };
      revision += CONFIGURATION.requests;
      child.send(work);
      const [result] = (await once(child, 'message')) as [Round];
      if (round >= 0) rounds.get(name)!.push(result);
    }
  }
  const expected = (revision - 1) * CONFIGURATION.rowsPerRequest;
  const found = await store.countRows(info.collection);
  if (found !== expected) throw new Error(`${found} rows instead of ${expected}`);
  await store.dropLine(line);
  const contenders = Object.fromEntries(CONTENDERS.map((name) => [name, summed(rounds.get(name)!)])) as Record<
    Contender,
    ReturnType<typeof summed>
  >;
  const { packed, sdk } = contenders;
  return {
    dimension,
    text,
    contenders,
    cpuShareOfSdk: packed.cpuMsPerThousandRows.median / sdk.cpuMsPerThousandRows.median,
    rowsPerSecondOverSdk: packed.rowsPerSecond.median / sdk.rowsPerSecond.median,
  };
}

function summed(rounds: Round[]) {
  const of = (pick: (round: Round) => number) => {
    const sorted = rounds.map(pick).sort((a, b) => a - b);
    return { min: sorted[0]!, median: sorted[sorted.length >> 1]!, max: sorted.at(-1)! };
  };
  return {
    rowsPerSecond: of((round) => round.rowsPerSecond),
    cpuMsPerThousandRows: of((round) => round.cpuMsPerThousandRows),
    longestSliceMs: of((round) => round.longestSliceMs),
  };
}

function print(report: { machine: object; configuration: object; results: Awaited<ReturnType<typeof runCase>>[] }) {
  if (values.json) return console.log(JSON.stringify(report));
  console.log(JSON.stringify(report.machine), JSON.stringify(report.configuration));
  const shown = ({ min, median, max }: { min: number; median: number; max: number }) =>
    `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  console.table(
    report.results.flatMap(({ dimension, text, contenders }) =>
      Object.entries(contenders).map(([name, cost]) => ({
        case: `${dimension} d, ${text}`,
        rows: name,
        'rows/s': shown(cost.rowsPerSecond),
        'CPU ms per 1,000 rows': shown(cost.cpuMsPerThousandRows),
        'longest slice ms': shown(cost.longestSliceMs),
      })),
    ),
  );
  for (const { dimension, text, cpuShareOfSdk, rowsPerSecondOverSdk } of report.results)
    console.log(
      `${dimension} d, ${text}: ${rowsPerSecondOverSdk.toFixed(1)} × the SDK's rows a second, ${cpuShareOfSdk.toFixed(3)} of its CPU`,
    );
}
