/**
 * The plan carried out: one lane a kind, all at once. A worker or a producer is killed at its named point, or wherever it is; a server
 * is killed while a worker or a producer stands at a point, which then goes on and meets what is away.
 */
import type { LineAddress, Redis } from '@sluice/queue';
import type { Child } from './child.ts';
import type { Fleet, FleetWorker } from './fleet.ts';
import { KINDS, type Kind, type PlannedKill, type Point } from './kill-plan.ts';
import { pickedUpAfter } from './pick-up.ts';
import type { ServedClock } from './served-clock.ts';
import type { Producer, Traffic } from './traffic.ts';

type ServerKind = 'redis' | 'milvus' | 'engine';

export interface KillLanesOptions {
  plan: Record<Kind, readonly PlannedKill[]>;
  /** Pauses between kills, as a share of the plan's. */
  pace: number;
  fleet: Pick<Fleet, 'workers' | 'kill'>;
  traffic: Pick<Traffic, 'producers' | 'kill'>;
  redis: Redis;
  address: LineAddress;
  /** Told of servers that are away. */
  served: ServedClock;
  /** `start` resolves when the server answers again. */
  servers: Record<ServerKind, { kill(): Promise<void>; start(): Promise<void> }>;
  /** A server that was killed then answers again. */
  onBack(kind: Kind, killedAt: number): void;
  /** `reached`: at the point that was planned. */
  onKilled(planned: PlannedKill, reached: boolean): void;
}

export interface PickUp {
  /** From a worker's kill until another had the last of its jobs. */
  ms: number;
  /** Of that, while a worker ran and its servers answered. */
  servedMs: number;
}

const REACH_MS = 15_000;

/** `done`: every kill is done, and every killed worker's jobs are in other hands. */
export function startKillLanes({
  plan,
  pace,
  fleet,
  traffic,
  redis,
  address,
  served,
  servers,
  onBack,
  onKilled,
}: KillLanesOptions): { done: Promise<PickUp[]> } {
  const measuring: Promise<PickUp | undefined>[] = [];

  async function runLane(lane: readonly PlannedKill[]): Promise<void> {
    for (const planned of lane) {
      await pause(planned.afterMs * pace);
      onKilled(planned, await kill(planned));
    }
  }

  function kill(planned: PlannedKill): Promise<boolean> {
    if (planned.kind === 'worker') return killWorker(planned);
    if (planned.kind === 'producer') return killProducer(planned);
    return killServer(planned, planned.kind);
  }

  async function killWorker({ point, victim, awayMs }: PlannedKill): Promise<boolean> {
    const worker = await reserve(() => fleet.workers.filter(({ ready }) => ready), victim);
    const reached = await reach(worker, point);
    const killedAt = performance.now();
    const wallMs = Date.now();
    const inHand = await fleet.kill(worker, awayMs);
    worker.reserved = false;
    measuring.push(
      pickedUpAfter(redis, address, inHand, wallMs).then((ms) =>
        ms === undefined || ms === 0
          ? undefined
          : { ms, servedMs: Number.isFinite(ms) ? served.servedMs(killedAt, killedAt + ms) : ms },
      ),
    );
    return reached;
  }

  async function killProducer({ point, victim, awayMs }: PlannedKill): Promise<boolean> {
    const producer = await reserve(() => traffic.producers.filter(({ ready }) => ready), victim);
    const reached = await reach(producer, point);
    await traffic.kill(producer, awayMs);
    producer.reserved = false;
    return reached;
  }

  async function killServer({ point, victim, awayMs }: PlannedKill, kind: ServerKind): Promise<boolean> {
    const standing = point === undefined ? undefined : await bystander(point, victim);
    const reached = standing === undefined || (await reach(standing, point));
    const killedAt = performance.now();
    const answers = served.away();
    const back = servers[kind].kill().then(async () => {
      await pause(awayMs);
      await servers[kind].start();
    });
    if (standing !== undefined) {
      standing.child.order({ go: true });
      standing.reserved = false;
    }
    await back;
    answers();
    onBack(kind, killedAt);
    return reached;
  }

  function bystander(point: Point, victim: number): Promise<FleetWorker | Producer> {
    return 'worker' in point
      ? reserve(() => fleet.workers.filter(({ ready }) => ready), victim)
      : reserve(() => traffic.producers.filter(({ ready }) => ready), victim);
  }

  /** One that no other lane waits for. */
  async function reserve<T extends { reserved: boolean }>(choose: () => readonly T[], victim: number): Promise<T> {
    for (;;) {
      const free = choose().filter(({ reserved }) => !reserved);
      const chosen = free[victim % Math.max(1, free.length)];
      if (chosen !== undefined) {
        chosen.reserved = true;
        return chosen;
      }
      await pause(50);
    }
  }

  /** False where the point was not met in time: the kill then falls at a random one. */
  async function reach(standing: FleetWorker | Producer, point: Point | undefined): Promise<boolean> {
    if (point === undefined) return true;
    const child = standing.child as Child<{ type: string }, { arm: string }>;
    const at = child
      .next((message) => message.type === 'at')
      .then(
        () => true,
        () => false,
      );
    child.order({ arm: 'worker' in point ? point.worker : point.producer });
    return await Promise.race([at, pause(REACH_MS).then(() => false)]);
  }

  async function runAll(): Promise<PickUp[]> {
    await Promise.all(KINDS.map((kind) => runLane(plan[kind])));
    return (await Promise.all(measuring)).filter((pickUp) => pickUp !== undefined);
  }

  return { done: runAll() };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
