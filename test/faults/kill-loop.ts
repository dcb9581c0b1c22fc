/**
 * The kill loop: real Valkey, real Milvus, an engine process, workers and producers of the product; all of them are killed by the
 * plan while documents change. Then the killing stops, everything accepted has to be stored, and the oracle compares.
 */
import { createHash } from 'node:crypto';
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
import { type FleetWorker, startFleet } from './fleet.ts';
import { KINDS, type Kind, type PlannedKill, type Point, planKills, pointName } from './kill-plan.ts';
import type { MilvusLogin } from './line-bench.ts';
import { lineSettings } from './line-settings.ts';
import { startMilvusServer } from './milvus-server.ts';
import { createOracle, type Findings } from './oracle.ts';
import { pickedUpAfter } from './pick-up.ts';
import { createRandom } from './random.ts';
import { lostIntents, sweepNow } from './sweep-now.ts';
import { MAX_UNSETTLED, type Producer, startTraffic, type TrafficCounts } from './traffic.ts';

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
  /** `corpus`: of everything handed in, each text as often as it came into its document. `wasted`: embedded beyond that. */
  tokens: { corpus: number; embedded: number; wasted: number; bound: number };
  /** A killed worker's jobs, the last of them: until another worker had it. */
  pickUp: Spread | undefined;
  /** Of those kills, the ones that no kill of Redis or Milvus overlapped. */
  pickUpAlone: Spread | undefined;
  /** From the kill to the first chunk stored after the server was back; a producer: to its batch accepted. */
  recovery: Partial<Record<Kind, Spread>>;
  /** Milvus' own way back: from its start to its first answer to a Strong query. */
  milvusStart: Spread | undefined;
}

const LINE = 'kill-loop';
const REACH_MS = 15_000;
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
  const valkey = await startValkey(['--maxmemory', '1gb'], { readyMs: 180_000 });
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
  const fleet = startFleet({
    size: options.workers,
    env,
    log: join(logs, 'workers.log'),
    onMarked() {
      for (const { kind, killedAt } of awaitingMark.splice(0)) recoveries[kind].push(performance.now() - killedAt);
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
  const pickUps: { ms: number; alone: boolean }[] = [];
  const measuring: Promise<void>[] = [];
  const milvusStarts: number[] = [];
  /** Kills of Redis and Milvus, from the kill until they answered again. */
  const outages: { from: number; to: number }[] = [];
  const lanes = {
    worker: killWorker,
    producer: killProducer,
    redis: killRedis,
    milvus: killMilvus,
    engine: killEngine,
  };
  await Promise.all(KINDS.map((kind) => runLane(plan[kind], lanes[kind])));
  await Promise.all(measuring);

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
    tokens: tokenFigures(),
    pickUp: spreadOf(pickUps.map(({ ms }) => ms)),
    pickUpAlone: spreadOf(pickUps.filter(({ alone }) => alone).map(({ ms }) => ms)),
    recovery: Object.fromEntries(KINDS.flatMap((kind) => entryOf(kind, spreadOf(recoveries[kind])))),
    milvusStart: spreadOf(milvusStarts),
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

  async function runLane(
    lane: readonly PlannedKill[],
    kill: (planned: PlannedKill) => Promise<boolean>,
  ): Promise<void> {
    for (const planned of lane) {
      await pause(planned.afterMs * (options.pace ?? 1));
      const reached = await kill(planned);
      done += 1;
      if (reached && planned.point !== undefined) atNamedPoints += 1;
      onProgress({
        type: 'kill',
        done,
        of: total,
        kind: planned.kind,
        point: pointName(planned.point),
        reached,
        afterS: (performance.now() - startedAt) / 1_000,
      });
    }
  }

  async function killWorker({ point, victim, awayMs }: PlannedKill): Promise<boolean> {
    const worker = await reserve(() => fleet.workers.filter(({ ready }) => ready), victim);
    const reached = await reach(worker, point);
    const killedAt = performance.now();
    const wallMs = Date.now();
    const inHand = await fleet.kill(worker, awayMs);
    worker.reserved = false;
    measuring.push(
      pickedUpAfter(redis, address, inHand, wallMs).then((ms) => {
        if (ms === undefined || ms === 0) return;
        const alone = !outages.some(({ from, to }) => from < killedAt + ms && to > killedAt);
        pickUps.push({ ms, alone });
      }),
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

  function killRedis(planned: PlannedKill): Promise<boolean> {
    return outage(planned, async () => {
      await valkey.kill();
      await pause(planned.awayMs);
      await valkey.restart();
    });
  }

  function killMilvus(planned: PlannedKill): Promise<boolean> {
    return outage(planned, async () => {
      await ownMilvus!.kill();
      milvusStarts.push(await ownMilvus!.restart());
    });
  }

  async function killEngine(planned: PlannedKill): Promise<boolean> {
    return outage(planned, async () => {
      await engine.kill();
      await pause(planned.awayMs);
      engine = await startEngine();
    });
  }

  /** A server goes away and comes back, while a process stands at the point; then that process goes on. */
  async function outage({ kind, point, victim }: PlannedKill, away: () => Promise<void>): Promise<boolean> {
    const standing = point === undefined ? undefined : await bystander(point, victim);
    const reached = standing === undefined || (await reach(standing, point));
    const killedAt = performance.now();
    const span = { from: killedAt, to: Number.POSITIVE_INFINITY };
    if (kind !== 'engine') outages.push(span);
    const back = away();
    if (standing !== undefined) {
      standing.child.order({ go: true });
      standing.reserved = false;
    }
    await back;
    span.to = performance.now();
    awaitingMark.push({ kind, killedAt });
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

  /** Everything accepted is stored or dead, older rows are deleted, and what lost workers may have written is swept. */
  async function settled(): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const now = await ledger.counts();
      // A short run does not wait until the workers' own sweeper takes the dead for lost.
      const living = new Set(fleet.workers.map(({ id }) => id));
      if (options.sharedMilvus !== undefined) await sweepNow({ redis, ledger, store, info }, living);
      const left = await lostIntents({ redis, ledger }, living);
      if (now.open + now.settling + now.cleaning + left.length === 0) return;
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

  /**
   * A text is embedded once for every time that it newly came into its document: what stays from one revision to the next is
   * reused, what comes back (A, B, A) is not there any more. Whatever was embedded more often is waste, whoever is to blame.
   */
  function tokenFigures(): KillLoopResult['tokens'] {
    const known = new Map<string, { tokens: number; needed: number }>();
    const before = new Map<string, Set<string>>();
    for (const document of traffic.texts()) {
      const now = new Set<string>();
      for (const { text, tokens } of oracle.embeddings(document)) {
        const hash = createHash('sha1').update(text).digest('base64');
        const entry = known.get(hash) ?? { tokens, needed: 0 };
        known.set(hash, entry);
        if (before.get(document.id)?.has(hash) !== true && !now.has(hash)) entry.needed += 1;
        now.add(hash);
      }
      before.set(document.id, now);
    }
    const figures = { corpus: 0, embedded: 0, wasted: 0, bound: 0 };
    for (const { tokens, needed } of known.values()) figures.corpus += tokens * needed;
    for (const [hash, times] of embedded) {
      const { tokens, needed } = known.get(hash) ?? { tokens: 0, needed: 0 };
      figures.embedded += times * tokens;
      figures.wasted += Math.max(0, times - needed) * tokens;
    }
    figures.bound =
      (plan.worker.length + plan.engine.length) * (config.SLUICE_IN_FLIGHT + 1) * config.SLUICE_BATCH_TOKENS;
    return figures;
  }
}

function entryOf(kind: Kind, spread: Spread | undefined): [Kind, Spread][] {
  return spread === undefined ? [] : [[kind, spread]];
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
