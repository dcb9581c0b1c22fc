/**
 * The kill loop: real Valkey, real Milvus, an engine process, workers and producers of the product; all of them are killed by the
 * plan while documents change. Then the killing stops, everything accepted has to be stored, and the oracle compares.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, silentLogger } from '@sluice/core';
import { planSpace, verifyLine } from '@sluice/line';
import { connectRedis, type LineAddress, openLedger } from '@sluice/queue';
import { connectStore } from '@sluice/store';
import { freePort, startValkey } from '../support/valkey.ts';
import { type Child, startChild } from './child.ts';
import { POISON } from './documents.ts';
import type { EngineMessage, EngineProcessOptions } from './engine-process.ts';
import { type Spread, spreadOf } from './figures.ts';
import { startFleet } from './fleet.ts';
import { startKillLanes } from './kill-lanes.ts';
import { KINDS, type Kind, planKills, pointName } from './kill-plan.ts';
import type { MilvusLogin } from './line-bench.ts';
import { lineSettings } from './line-settings.ts';
import { startMilvusServer } from './milvus-server.ts';
import { createOracle, type Findings } from './oracle.ts';
import { createRandom } from './random.ts';
import { createServedClock } from './served-clock.ts';
import { lostIntents, sweepNow } from './sweep-now.ts';
import { type TokenFigures, tokenFigures } from './token-figures.ts';
import { MAX_UNSETTLED, startTraffic, type TrafficCounts } from './traffic.ts';

export interface KillLoopOptions {
  kills: number;
  seed: number;
  documents: number;
  workers: number;
  /** Folder for data and logs; emptied by the caller. */
  home: string;
  /** A Milvus that others use too, so it is not killed. Default: one of its own. */
  sharedMilvus?: MilvusLogin;
  /** Pauses between kills, as a share of the plan's. Default 1. */
  pace?: number;
  onProgress(event: KillEvent): void;
}

export type KillEvent =
  | { type: 'phase'; text: string }
  | { type: 'kill'; done: number; of: number; kind: Kind; point: string; reached: boolean; afterS: number }
  | { type: 'status'; done: number; of: number; open: number; stored: number };

export interface KillLoopResult {
  seed: number;
  kills: Record<Kind, number>;
  /** Of them, at the named point that was planned. */
  atNamedPoints: number;
  seconds: number;
  documents: TrafficCounts & { total: number };
  findings: Findings;
  /** Dead letters: the planted poison, and any other (`<document> <code>`). */
  dead: { planted: number; others: string[] };
  /** Faults that `sluice verify` finds besides. */
  verifyFaults: Record<string, number>;
  workersEnded: string[];
  /** `bound`: what may be wasted, by the requests that kills can have met. */
  tokens: TokenFigures & { bound: number };
  /** A killed worker's jobs, the last of them: until another worker had it. */
  pickUp: Spread | undefined;
  /** The same, counted only while a worker ran and Redis, Milvus and the engine answered. */
  pickUpServed: Spread | undefined;
  /** From the kill to the first chunk stored after the server was back; a producer: to its batch accepted. */
  recovery: Partial<Record<Kind, Spread>>;
  /** Milvus' own way back: from its start to its first answer to a Strong query. */
  milvusStart: Spread | undefined;
  /** Why its supervisor had to start Milvus again, each time. */
  milvusStartedAgain: readonly string[];
}

const LINE = 'kill-loop';
const SETTLE_MS = 300_000;

export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopResult> {
  const { seed, onProgress } = options;
  const startedAt = performance.now();
  const random = createRandom(seed);
  const plan = planKills(options.kills, random.fork('plan'));
  if (options.sharedMilvus !== undefined) plan.milvus = [];
  const total = KINDS.reduce((sum, kind) => sum + plan[kind].length, 0);
  const logs = join(options.home, 'logs');
  mkdirSync(logs, { recursive: true });
  await using closing = new AsyncDisposableStack();

  onProgress({ type: 'phase', text: 'starting Valkey, Milvus and the engine' });
  // Synced as the embedded one is: with less, a kill on a busy disk may cost what was accepted.
  const valkey = await startValkey(['--maxmemory', '1gb', '--appendfsync', 'always'], { readyMs: 180_000 });
  closing.defer(() => valkey.stop());
  const ownMilvus = options.sharedMilvus === undefined ? await startMilvusServer(options.home) : undefined;
  closing.defer(() => ownMilvus?.kill());
  const milvus = options.sharedMilvus ?? ownMilvus!;
  const embedded = new Map<string, number>();
  const enginePort = await freePort();
  let engine = await startEngine();
  closing.defer(() => engine.kill());

  const env = {
    ...lineSettings(LINE, { redisUrl: valkey.url, milvus, engineUrl: `http://127.0.0.1:${enginePort}` }),
    SLUICE_LOG_LEVEL: 'info',
  };
  const { config } = loadConfig([{ name: 'kill loop', values: env }]);
  const { space } = planSpace(config);
  const redis = connectRedis(valkey.url, { role: 'reader', logger: silentLogger });
  closing.defer(() => redis.disconnect());
  const store = await connectStore({ ...milvus, logger: silentLogger });
  closing.defer(() => store.close());
  const { info } = await store.openLine({ line: LINE, space, cut: undefined });
  const address: LineAddress = { line: info.line, epoch: info.epoch, shards: info.shards };
  const ledger = openLedger(redis, address);
  if (options.sharedMilvus !== undefined) closing.defer(async () => void (await store.dropLine(LINE)));

  const recoveries: Record<Kind, number[]> = { worker: [], producer: [], redis: [], milvus: [], engine: [] };
  const awaitingMark: { kind: Kind; killedAt: number }[] = [];
  const served = createServedClock();
  let workersBack: (() => void) | undefined = served.away();
  const fleet = startFleet({
    size: options.workers,
    env,
    log: join(logs, 'workers.log'),
    onMarked() {
      for (const { kind, killedAt } of awaitingMark.splice(0)) recoveries[kind].push(performance.now() - killedAt);
    },
    onRunning(count) {
      if (count === 0) workersBack ??= served.away();
      else {
        workersBack?.();
        workersBack = undefined;
      }
    },
  });
  closing.defer(() => fleet.close());

  let counts: Awaited<ReturnType<typeof ledger.counts>> | undefined;
  const looking = setInterval(() => {
    ledger.counts().then(
      (now) => {
        counts = now;
      },
      () => {
        counts = undefined;
      },
    );
  }, 300);
  closing.defer(() => clearInterval(looking));
  const traffic = startTraffic({
    documents: options.documents,
    random: random.fork('traffic'),
    env,
    log: join(logs, 'producers.log'),
    unsettled: () => (counts === undefined ? undefined : counts.open),
    onRecovered: (ms) => recoveries.producer.push(ms),
  });
  closing.defer(() => traffic.close());

  let done = 0;
  let atNamedPoints = 0;
  const milvusStarts: number[] = [];
  const milvusKilledAt = Number.NEGATIVE_INFINITY;
  const status = setInterval(() => {
    const { open = 0, stored = 0 } = counts ?? {};
    onProgress({ type: 'status', done, of: total, open, stored });
  }, 10_000);
  closing.defer(() => clearInterval(status));
  onProgress({ type: 'phase', text: 'waiting until every document is there, and most of them stored' });
  // Changes begin as soon as the last document is in: of few documents all may be on their way again.
  const enough = Math.min(options.documents * 0.8, options.documents - 2 * MAX_UNSETTLED);
  while (!traffic.seeded || (counts?.stored ?? 0) < enough) await pause(100);

  onProgress({ type: 'phase', text: `killing, ${total} times` });
  const lanes = startKillLanes({
    plan,
    pace: options.pace ?? 1,
    fleet,
    traffic,
    redis,
    address,
    served,
    servers: {
      redis: { kill: () => valkey.kill(), start: () => valkey.restart() },
      milvus: {
        kill: () => ownMilvus!.kill(),
        async start() {
          milvusStarts.push(await ownMilvus!.restart());
        },
      },
      engine: {
        kill: () => engine.kill(),
        start: async () => {
          engine = await startEngine();
        },
      },
    },
    onBack: (kind, killedAt) => awaitingMark.push({ kind, killedAt }),
    onKilled({ kind, point }, reached) {
      done += 1;
      if (reached && point !== undefined) atNamedPoints += 1;
      const afterS = (performance.now() - startedAt) / 1_000;
      onProgress({ type: 'kill', done, of: total, kind, point: pointName(point), reached, afterS });
    },
  });
  const pickUps = await lanes.done;

  onProgress({ type: 'phase', text: 'no more kills: waiting until everything accepted is stored' });
  await traffic.finish();
  await settled();
  onProgress({ type: 'phase', text: 'comparing every row with what was accepted' });
  const oracle = await createOracle(config);
  const findings = await oracle.compare(store, info.collection, traffic.expected());
  const dead = { planted: 0, others: [] as string[] };
  for await (const letter of ledger.deadLetters()) {
    if (letter.documentId === 'poisoned' && letter.code === 'engine_rejected') dead.planted += 1;
    else dead.others.push(`${letter.documentId} ${letter.code}`);
  }

  return {
    seed,
    kills: Object.fromEntries(KINDS.map((kind) => [kind, plan[kind].length])) as Record<Kind, number>,
    atNamedPoints,
    seconds: (performance.now() - startedAt) / 1_000,
    documents: { ...traffic.counts, total: options.documents },
    findings,
    dead,
    verifyFaults: await verifyFaults(),
    workersEnded: [...fleet.ended],
    tokens: {
      ...tokenFigures(oracle, traffic.texts(), embedded),
      bound: (plan.worker.length + plan.engine.length) * (config.SLUICE_IN_FLIGHT + 1) * config.SLUICE_BATCH_TOKENS,
    },
    pickUp: spreadOf(pickUps.map(({ ms }) => ms)),
    pickUpServed: spreadOf(pickUps.map(({ servedMs }) => servedMs)),
    recovery: Object.fromEntries(KINDS.flatMap((kind) => entryOf(kind, spreadOf(recoveries[kind])))),
    milvusStart: spreadOf(milvusStarts),
    milvusStartedAgain: ownMilvus?.startedAgain ?? [],
  };

  async function startEngine(): Promise<Child<EngineMessage>> {
    const argument: EngineProcessOptions = { port: enginePort, minDelayMs: 30, maxDelayMs: 250, poison: POISON };
    const child = startChild<EngineMessage>('engine-process.ts', argument, { env: {}, log: join(logs, 'engine.log') });
    child.onMessage((message) => {
      if (message.type !== 'embed') return;
      for (const text of message.texts) embedded.set(text, (embedded.get(text) ?? 0) + 1);
    });
    await child.next((message) => message.type === 'ready');
    return child;
  }

  /** Everything accepted is stored or dead, older rows are deleted, and what lost workers may have written is swept. */
  async function settled(): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const now = await ledger.counts();
      // A short run does not wait until the workers' own sweeper takes the dead for lost.
      const living = new Set(fleet.workers.map(({ id }) => id));
      if (options.sharedMilvus !== undefined) await sweepNow({ redis, ledger, store, info }, living);
      const left = await lostIntents({ redis, ledger }, living);
      // What Milvus forgot when it was killed is deleted again, by a worker that noticed.
      const repeated =
        ((await ledger.deletionsRepeatedAgo()) ?? Number.POSITIVE_INFINITY) < performance.now() - milvusKilledAt;
      if (now.open + now.settling + now.cleaning + left.length === 0 && repeated) return;
      if (performance.now() > until) {
        onProgress({ type: 'phase', text: `not settled after ${SETTLE_MS / 1_000} s: ${JSON.stringify(now)}` });
        return;
      }
      await pause(500);
    }
  }

  async function verifyFaults(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    await verifyLine(
      { name: LINE, ledger, store, info },
      {
        space,
        repair: false,
        onFault: ({ kind }) => {
          found[kind] = (found[kind] ?? 0) + 1;
        },
      },
    );
    return found;
  }
}

function entryOf(kind: Kind, spread: Spread | undefined): [Kind, Spread][] {
  return spread === undefined ? [] : [[kind, spread]];
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
