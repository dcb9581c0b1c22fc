/**
 * The plan of a kill loop, made from its seed before anything runs: who is killed in which order, at which named point or after
 * how long. One lane a kind, so that kinds overlap; within the Milvus lane the next kill waits until the server answers.
 */
import type { HandInStep } from '@sluice/producer';
import type { WorkerStep } from '@sluice/worker';
import type { Random } from './random.ts';

export const KINDS = ['worker', 'producer', 'redis', 'milvus', 'engine'] as const;
export type Kind = (typeof KINDS)[number];

/** A server is killed while a worker stands at a point, too: that is when a reply is under way. */
export type Point = { worker: WorkerStep } | { producer: HandInStep };

export interface PlannedKill {
  kind: Kind;
  /** Position in its lane, from 1. */
  number: number;
  /** How long the lane waits before this kill. */
  afterMs: number;
  /** Undefined: at that very moment, whatever is going on. */
  point: Point | undefined;
  /** How long the victim stays away before it is started again. */
  awayMs: number;
  /** Chooses the victim among equals. */
  victim: number;
}

const WORKER_STEPS: readonly WorkerStep[] = [
  'before fence 1',
  'after fence 1',
  'before embedding',
  'after embedding',
  'before send',
  'between send and reply',
  'before mark',
  'after mark',
  'before deleting older rows',
  'before settled',
];
const HAND_IN_STEPS: readonly HandInStep[] = [
  'before prepare',
  'after prepare',
  'while enqueuing',
  'before commit',
  'after commit',
];

/** Where each kind may be met; the server kinds where one of their replies is awaited. */
const POINTS: Readonly<Record<Kind, readonly Point[]>> = {
  worker: WORKER_STEPS.map((worker) => ({ worker })),
  producer: HAND_IN_STEPS.map((producer) => ({ producer })),
  redis: [
    { worker: 'before fence 1' },
    { worker: 'before mark' },
    { worker: 'before settled' },
    { producer: 'while enqueuing' },
    { producer: 'before commit' },
  ],
  milvus: [
    { worker: 'before send' },
    { worker: 'between send and reply' },
    { worker: 'before mark' },
    { worker: 'before deleting older rows' },
  ],
  engine: [{ worker: 'before embedding' }, { worker: 'after embedding' }],
};

/** Shares of the kills, out of 20: at 200 kills 50 workers, 45 producers, 35 engines, 35 Redis, 35 Milvus. */
const SHARES: Readonly<Record<Kind, number>> = { worker: 5, producer: 4.5, redis: 3.5, milvus: 3.5, engine: 3.5 };
/** Pauses before a kill and absences after it, in ms. A Milvus is away as long as it takes. */
const PAUSES: Readonly<Record<Kind, readonly [number, number]>> = {
  worker: [3_000, 12_000],
  producer: [3_000, 13_000],
  redis: [8_000, 20_000],
  milvus: [4_000, 14_000],
  engine: [6_000, 18_000],
};
const AWAY: Readonly<Record<Kind, readonly [number, number]>> = {
  worker: [0, 1_000],
  producer: [0, 1_000],
  redis: [0, 2_000],
  milvus: [0, 0],
  engine: [0, 3_000],
};

/** Half of every lane's kills at named points, taken in turn so that each is met, half at random times. */
export function planKills(kills: number, random: Random): Record<Kind, PlannedKill[]> {
  const counts = shareOut(kills);
  const lanes = Object.fromEntries(
    KINDS.map((kind) => {
      const lane = random.fork(kind);
      const count = counts[kind];
      const points = lane.shuffle(POINTS[kind]);
      const planned = Array.from({ length: count }, (_, index): PlannedKill => {
        const point = index % 2 === 0 ? points[(index / 2) % points.length] : undefined;
        return {
          kind,
          number: index + 1,
          afterMs: lane.between(...PAUSES[kind]),
          point,
          awayMs: lane.between(...AWAY[kind]),
          victim: lane.between(0, 1_000),
        };
      });
      return [kind, planned];
    }),
  );
  return lanes as Record<Kind, PlannedKill[]>;
}

/** Whole kills that add up; what rounding leaves goes to the kinds in their order. */
function shareOut(kills: number): Record<Kind, number> {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, Math.floor((kills * SHARES[kind]) / 20)]));
  const left = kills - Object.values(counts).reduce((sum, count) => sum + count, 0);
  for (const kind of KINDS.slice(0, left)) counts[kind]! += 1;
  return counts as Record<Kind, number>;
}

export function pointName(point: Point | undefined): string {
  if (point === undefined) return 'at a random time';
  return 'worker' in point ? `worker ${point.worker}` : `producer ${point.producer}`;
}
