/**
 * What writing rows costs: client CPU, rows a second and the longest slice of the event loop, for Sluice's packed rows and for the SDK's rows,
 * interleaved on the same embedded Milvus, in requests of the same rows.
 *
 * The SDK's rows come twice: vectors as `number[]`, which is its documented form, and as Float32Array, which it happens to take.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectStore, type Store } from '@sluice/store';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { openBenchStack } from '../stack/bench-stack.ts';
import { type Assignment, CONTENDERS, type Contender, type Round } from './contender.ts';

const WORK = { rowsPerRequest: 256, inFlight: 4, textBytes: 8_000 };
const CASES = [
  { dimension: 1_024, text: 'English', cpuShare: 0.1 },
  { dimension: 256, text: 'English', cpuShare: 0.25 },
  { dimension: 1_024, text: 'Vietnamese', cpuShare: undefined },
] as const;
type Rounds = Map<Contender, Round[]>;

await bench({
  name: 'store',
  question: 'what a row costs on its way into Milvus',
  async measure({ short, say }) {
    const rounds = short ? 1 : 5;
    const requests = short ? 2 : 4;
    const stack = await openBenchStack();
    const milvus = {
      address: stack.settings.SLUICE_MILVUS_ADDRESS!,
      username: stack.settings.SLUICE_MILVUS_USERNAME!,
      password: stack.settings.SLUICE_MILVUS_PASSWORD!,
    };
    const children = CONTENDERS.map((name) => ({
      name,
      child: fork(join(import.meta.dirname, 'contender.ts'), [name, JSON.stringify(milvus)], {
        execArgv: [...process.execArgv, '--expose-gc'],
      }),
    }));
    try {
      const store = await connectStore({ ...milvus, logger: silentLogger });
      const figures: Figure[] = [];
      for (const [number, one] of (short ? CASES.slice(0, 2) : CASES).entries()) {
        const line = `bench-${number}`;
        const { info } = await store.openLine({ line, space: spaceOf(one.dimension) });
        const work = { ...WORK, requests, line, collection: info.collection, dimension: one.dimension, text: one.text };
        say(`${one.dimension} dimensions, ${one.text}`);
        const found: Rounds = new Map(CONTENDERS.map((name) => [name, []]));
        // The first round compiles.
        for (let round = -1; round < rounds; round++) {
          for (const [place, { name, child }] of children.entries()) {
            const turn = (round + 1) * children.length + place;
            child.send({ ...work, revision: 1 + turn * requests } satisfies Assignment);
            const [result] = (await once(child, 'message')) as [Round];
            if (round >= 0) found.get(name)!.push(result);
          }
        }
        await requireRows(store, info.collection, (rounds + 1) * children.length * requests * WORK.rowsPerRequest);
        await store.dropLine(line);
        figures.push(...figuresOf(`${one.dimension} dimensions, ${one.text}`, found, one.cpuShare));
      }
      const version = await store.version();
      await store.close();
      return {
        configuration: { ...WORK, requests, rounds, server: version, 'flags of Node': process.execArgv.join(' ') },
        figures,
        remarks: [
          'CPU is that of the client process, all threads, with the garbage that writing makes; that of making the rows is collected before.',
        ],
      };
    } finally {
      for (const { child } of children) child.kill();
      await stack.stop();
    }
  },
});

function spaceOf(dimension: number) {
  return {
    model: 'bench',
    modelRevision: '1',
    task: 'retrieval.passage',
    instruction: '',
    fullDimension: dimension,
    storedDimension: dimension,
  };
}

async function requireRows(store: Store, collection: string, expected: number): Promise<void> {
  const found = await store.countRows(collection);
  if (found !== expected) throw new Error(`${found} rows instead of ${expected}`);
}

function figuresOf(of: string, rounds: Rounds, cpuShare: number | undefined): Figure[] {
  const packed = rounds.get('packed')!;
  const sdk = rounds.get('sdk')!;
  const ratio = (pick: (round: Round) => number) => packed.map((round, i) => pick(round) / pick(sdk[i]!));
  const each = (name: string, unit: string, pick: (round: Round) => number): Figure[] =>
    CONTENDERS.map((contender) => ({
      name: `${name}, ${contender}, ${of}`,
      unit,
      runs: rounds.get(contender)!.map(pick),
      ...(contender !== 'packed' && { baseline: true }),
    }));
  const slices = each('longest slice of the event loop', 'ms of CPU', (round) => round.longestSliceMs);
  return [
    {
      name: `client CPU over the SDK's, ${of}`,
      unit: '',
      runs: ratio((round) => round.cpuMsPerThousandRows),
      ...(cpuShare !== undefined && { limit: { atMost: cpuShare } }),
    },
    {
      name: `rows a second over the SDK's, ${of}`,
      unit: '',
      runs: ratio((round) => round.rowsPerSecond),
      limit: { atLeast: 2 },
    },
    ...each('client CPU', 'ms per 1,000 rows', (round) => round.cpuMsPerThousandRows),
    ...each('rows', 'rows/s', (round) => round.rowsPerSecond),
    { ...slices[0]!, limit: { atMost: 20, everyRun: true } },
    ...slices.slice(1),
  ];
}
