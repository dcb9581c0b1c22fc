/**
 * One worker's work: an ordinary BullMQ `Worker` whose concurrency is larger than a few batches; each processor call hands
 * its chunk to the batcher and awaits its own outcome.
 *
 * States: **working** ⇄ **held** (the line is paused: nothing is fetched or sent) → **closing** (nothing is fetched, what is in
 * a request finishes, the rest is handed back) → **closed**; or **stopped**: a verdict `stop` closed the line, and `finished` rejects with the reason.
 * A worker that works and whose servers do not is **waiting**: it fetches nothing, and after one lock time hands back what is not
 * embedded, because another worker's engine may answer. It ends with whatever is stored, or when engine and Milvus answer a known text and
 * a Strong query.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type Clock,
  createErrorCollapser,
  isSluiceError,
  type Logger,
  persist,
  systemClock,
  verdictOf,
} from '@sluice/core';
import type { PacedEngine } from '@sluice/embedder';
import type { Line } from '@sluice/line';
import { openChunkWorker, parseChunkJob, STALLED_INTERVAL_MS, WORKER_LOCK_MS } from '@sluice/queue';
import { noTelemetry, type Telemetry } from '@sluice/telemetry';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { createBatcher } from './batcher.ts';
import { createDeletions } from './deletions.ts';
import { every } from './every.ts';
import { startHousekeeper } from './housekeeper.ts';
import { createItem, type Item, type Outcome } from './item.ts';
import { createVerbs } from './line-verbs.ts';
import { collectPace } from './observe-engine.ts';
import { createObserver } from './observer.ts';
import { createPatience } from './patience.ts';
import { startSettler } from './settler.ts';
import { type OnWorkerStep, withSteps } from './steps.ts';

export interface SluiceWorker {
  readonly id: string;
  /** Resolves when the worker is closed; rejects with what stopped the line. */
  readonly finished: Promise<void>;
  /** Idempotent: stop fetching, finish or hand back within the grace period. */
  close(): Promise<void>;
}

export interface RunWorkerOptions {
  line: Line;
  engine: PacedEngine;
  /** The line is paused: begin held. */
  held?: boolean;
  /** Throws when a known text no longer has its known vector: the model was swapped under a running worker. */
  prove(): Promise<void>;
  /** The whole preflight once more, every few minutes. Throws what stops the line, or why nothing was learned. */
  proveAgain(): Promise<void>;
  logger: Logger;
  telemetry?: Telemetry | undefined;
  clock?: Clock;
  /** How long requests in flight may take to finish at shutdown. */
  graceMs?: number;
  timing?: WorkerTiming | undefined;
  /** Told of every point at which a process may end; for the fault tests. */
  onStep?: OnWorkerStep | undefined;
}

/** How long everything waits before it takes a process for dead; shorter in tests alone. */
export interface WorkerTiming {
  lockMs: number;
  stalledIntervalMs: number;
  heartbeatMs: number;
}

const TIMING: WorkerTiming = {
  lockMs: WORKER_LOCK_MS,
  stalledIntervalMs: STALLED_INTERVAL_MS,
  heartbeatMs: 2_000,
};
/** How long a job of a later version is put off before it is looked at again. */
const NEWER_JOB_MS = 30_000;
/** How long a closing worker waits for answers of its servers; what is not handed back by then is taken over. */
const LEAVE_MS = 1_500;
/** How often the collection's epoch is looked at, beside after every write. */
const PROVE_COLLECTION_MS = 5_000;
/** Codes of a Milvus that may have been killed. */
const STORE_AWAY: ReadonlySet<string> = new Set(['store_unreachable', 'store_busy', 'store_failed']);
/** How often a waiting worker asks whether its servers are back. */
const ASK_AGAIN_MS = 5_000;
/** How often a working engine is proved again. */
const PROVE_AGAIN_MS = 180_000;

export function runWorker({
  line,
  engine,
  prove,
  proveAgain,
  held = false,
  logger,
  telemetry = noTelemetry(),
  clock = systemClock,
  graceMs = 8_000,
  timing: { lockMs, stalledIntervalMs, heartbeatMs } = TIMING,
  onStep,
}: RunWorkerOptions): SluiceWorker {
  const { config, ledger } = line;
  const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const aborting = new AbortController();
  const collapse = createErrorCollapser(logger);
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  let failure: unknown;
  let outage: { text: string; since: number; until: number } | undefined;
  let waits = false;
  const observer = createObserver({
    ...telemetry,
    model: line.info.space.model,
    provider: engine.profile.name,
    collection: line.info.collection,
    dimension: line.info.space.storedDimension,
    maxPaddedTokens: config.SLUICE_BATCH_TOKENS,
    stallMs: config.SLUICE_STALL_SECONDS * 1_000,
    clock,
  });

  const deletions = createDeletions({ ...line, collection: line.info.collection, clock, logger });
  const onOutage = (error: unknown, waitMs: number): void => {
    if (isSluiceError(error) && STORE_AWAY.has(error.code)) deletions.storeWasAway();
    collapse(error, 'waiting for a dependency');
    observer.waited(error);
    const text = isSluiceError(error) ? `${error.code}: ${error.what}` : String((error as Error)?.message ?? error);
    const now = clock.monotonicMs();
    outage = { text, since: ongoing()?.since ?? now, until: now + waitMs + 2 * heartbeatMs };
  };
  const ongoing = () => (outage !== undefined && outage.until > clock.monotonicMs() ? outage : undefined);
  const onStop = (error: unknown): void => {
    if (failure !== undefined || closing !== undefined) return;
    failure = error;
    logger.fatal({ event: 'line stopped', line: line.name, err: error }, 'the line stops');
    void close();
  };
  const onTrouble = (error: unknown): void =>
    verdictOf(error) === 'stop' ? onStop(error) : onOutage(error, heartbeatMs);

  const settler = startSettler({
    ledger,
    deleteRanges: (ranges) => deletions.ranges(ranges),
    logger,
    clock,
    onOutage,
    onStop,
    onStep,
  });
  const stopHousekeeper = startHousekeeper({ line, deletions, logger, clock, onOutage, onStop, onStep });
  const patience = createPatience(clock);
  const waiting = { signal: aborting.signal, clock: patience.clock, onOutage };
  const verbs = observer.verbs(
    createVerbs({ line, engine, worker: id, prove, deleteKeys: (ids) => deletions.keys(ids), waiting }),
  );
  const batcher = createBatcher({
    verbs: onStep === undefined ? verbs : withSteps(verbs, onStep),
    maxPaddedTokens: config.SLUICE_BATCH_TOKENS,
    maxRows: Math.min(config.SLUICE_BATCH_ROWS, engine.profile.maxRows),
    workingSize: () => engine.workingSize,
    inFlight: () => engine.concurrency,
    fenceMaxAgeMs: lockMs / 2,
    clock: patience.clock,
    logger,
    onOutage,
    onProgress() {
      settler.wake();
      outage = undefined;
      if (waits && closing === undefined) void goOn().catch(onTrouble);
    },
    onStop,
  });
  collectPace(engine, () => batcher.held, telemetry.metrics);
  async function processJob(job: Job, token?: string): Promise<void> {
    const outcome = await outcomeOf(job);
    if (outcome === 'left-for-later') {
      await job
        .moveToDelayed(clock.now() + NEWER_JOB_MS, token)
        .catch((error: unknown) => collapse(error, 'a job could not be put off'));
      throw new DelayedError();
    }
    if (outcome !== 'handed-back') return;
    // If Redis is away the job stays active until its lock ends, and is taken over then. Any other error would fail it.
    await job.moveToWait(token).catch((error: unknown) => collapse(error, 'a job could not be handed back'));
    throw new WaitingError();
  }

  async function outcomeOf(job: Job): Promise<Outcome | 'left-for-later'> {
    let item: Item;
    try {
      item = createItem(parseChunkJob(job.data, line.address.epoch), job.priority);
    } catch (error) {
      if (verdictOf(error) === 'stop') {
        onStop(error);
        return 'handed-back';
      }
      // Made by a later version: left for the workers of that version.
      if (verdictOf(error) === 'retry') {
        collapse(error, 'a job is left for later workers');
        return 'left-for-later';
      }
      logger.error({ event: 'job malformed', job: job.id, err: error }, 'a job does not follow the schema');
      throw new UnrecoverableError(isSluiceError(error) ? `${error.code}: ${error.message}` : 'malformed_job');
    }
    if (job.stalledCounter > 0) {
      try {
        const [suspicion = 'none'] = await persist(() => ledger.suspicions(id, [item]), waiting);
        item.suspicion = suspicion;
      } catch (error) {
        if (!aborting.signal.aborted) onStop(error);
        return 'handed-back';
      }
    }
    return observer.chunk(item, job.opts.telemetry?.metadata, batcher.accept(item));
  }

  if (held) batcher.hold();
  const fetcher = openChunkWorker(config.SLUICE_REDIS_URL!, line.address, processJob, {
    concurrency: config.SLUICE_CONCURRENCY,
    fetching: !held,
    lockMs,
    stalledIntervalMs,
    onError: (error) => collapse(error, 'the queue is in trouble'),
    onStalled: observer.stalled,
  });

  const beat = (): Promise<void> => {
    const waitsFor = ongoing()?.text;
    const state = {
      host: hostname(),
      pid: process.pid,
      held: batcher.held,
      load: observer.load,
      ...(waitsFor !== undefined && { outage: waitsFor }),
    };
    return ledger.workerBeat(id, state);
  };
  beat().catch((error: unknown) => collapse(error, 'the heartbeat failed'));

  let collectionProvenAt = clock.monotonicMs();
  /** A line that became another one stops an idle worker too, within seconds. */
  async function proveLine(): Promise<void> {
    await line.proveLedger();
    if (ongoing() === undefined && clock.monotonicMs() - collectionProvenAt < PROVE_COLLECTION_MS) return;
    await line.proveCollection();
    collectionProvenAt = clock.monotonicMs();
  }

  async function goOn(): Promise<void> {
    waits = false;
    batcher.resume();
    await fetcher.resumeFetching();
  }

  /** While a server is away nothing more is fetched; after a lock time others may have what waits here. */
  async function waitOrGoOn(): Promise<void> {
    const since = ongoing()?.since;
    if (since !== undefined) {
      waits = true;
      await fetcher.stopFetching();
      if (clock.monotonicMs() - since > lockMs) batcher.hold();
    } else if (waits) {
      await prove();
      if (closing === undefined) await goOn();
    }
  }

  /** What is to be sent again may be put off for a minute by then: when the servers answer, it is sent now. */
  async function askAgain(): Promise<void> {
    if (ongoing() === undefined) return;
    await Promise.all([engine.ask().then(() => prove()), line.store.witness(line.info.collection), ledger.paused()]);
    outage = undefined;
    patience.wake();
  }

  /** Whether the line is paused, asked with every heartbeat. What the engine became meanwhile is proven before work goes on. */
  async function obey(): Promise<void> {
    const [reason, { waiting }] = await Promise.all([ledger.paused(), line.queue.counts()]);
    observer.told({ work: batcher.held + waiting, excused: held || ongoing() !== undefined });
    if (closing !== undefined) return;
    if ((reason !== undefined) === held) return held ? undefined : waitOrGoOn();
    if (reason === undefined) {
      await prove();
      if (closing !== undefined) return;
      await goOn();
    } else {
      waits = false;
      await fetcher.stopFetching();
      batcher.hold();
    }
    held = reason !== undefined;
    logger.info({ event: held ? 'line paused' : 'line resumed', reason }, held ? 'held' : 'working');
  }
  const stopRepeating = [
    every(heartbeatMs, beat, (error) => collapse(error, 'the heartbeat failed')),
    every(heartbeatMs, obey, onTrouble),
    every(heartbeatMs, proveLine, onTrouble),
    every(ASK_AGAIN_MS, askAgain, (error) => (verdictOf(error) === 'stop' ? onStop(error) : undefined)),
    every(PROVE_AGAIN_MS, async () => void (held || (await proveAgain())), onTrouble),
  ];
  logger.info({ event: 'worker started', worker: id, line: line.name, engine: engine.where }, 'working');

  /** Everything here asks Redis or Milvus, and the process must not wait for one that answers nobody. */
  async function leave(): Promise<void> {
    await fetcher.close();
    await settler.stop();
    await stopHousekeeper();
    await ledger.workerGone(id).catch(() => undefined);
  }

  function close(): Promise<void> {
    closing ??= (async () => {
      logger.info({ event: 'worker closing', held: batcher.held }, 'closing');
      await fetcher.stopFetching();
      await batcher.close(graceMs);
      aborting.abort(new Error('the worker is closing'));
      for (const stop of stopRepeating) stop();
      await Promise.race([leave(), clock.sleep(LEAVE_MS)]);
      logger.info({ event: 'worker closed' }, 'closed');
      if (failure === undefined) resolve();
      else reject(failure);
    })().catch(reject);
    return closing;
  }

  return { id, finished, close };
}
