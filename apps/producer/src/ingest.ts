/**
 * One bulk run: read, hand in, prune, wait until stored. It reports events and returns the summary; it prints nothing.
 *
 * An outage of any server in the middle is waited out. An interrupt stops reading, lets what is in hand be committed (10 s at
 * most) and ends with exit code 130; everything accepted stays accepted, and the same command goes on where this one stopped,
 * because unchanged documents cost nothing.
 */
import { randomUUID } from 'node:crypto';
import type { ChunkerPool } from '@sluice/chunker';
import {
  type Clock,
  type Config,
  isSluiceError,
  type PersistOptions,
  persist,
  SluiceError,
  systemClock,
} from '@sluice/core';
import type { Line, LinePlan } from '@sluice/line';
import type { IngestListener } from './events.ts';
import { createHandIn, type HandIn, type OnHandInStep } from './hand-in.ts';
import { pruneSource } from './prune.ts';
import { createRunProgress } from './run-progress.ts';
import type { ItemFault, ReadLimits } from './source/item.ts';
import { type ReadOptions, readDocuments } from './source/read-documents.ts';
import { type Input, resolveInputs } from './source/roots.ts';
import type { IngestSummary } from './summary.ts';

export interface IngestOptions {
  line: Line;
  plan: LinePlan;
  pool: ChunkerPool;
  paths: readonly string[];
  /** --source */
  source?: string;
  stdin: ReadOptions['stdin'];
  stdinFormat?: ReadOptions['stdinFormat'];
  stdinId?: string | undefined;
  recut: boolean;
  prune: boolean;
  /** Largest share of a source's documents that pruning may delete, 0 to 1. */
  pruneMax: number;
  maxErrors?: number;
  /** Wait until everything accepted is stored, dead or superseded. */
  wait: boolean;
  /**
   * Called when there is work, when the backlog holds the reading up, and again while waiting: where a run waits there must be a worker,
   * or waiting never ends.
   */
  ensureWorker(): Promise<void>;
  signal: AbortSignal;
  listener: IngestListener;
  clock?: Clock;
  /** Told of every point at which the process may end; for the fault tests. */
  onStep?: OnHandInStep;
}

/** Leaves a second of the ten that a command has. */
const DRAIN_MS = 9_000;
/** How often a failure of Redis that nobody understands is tried. */
const UNKNOWN_TRIES = 5;
/** A person waits: an outage is looked at at least so often. */
const OUTAGE_LOOK_MS = 5_000;
/** A producer that is silent for 30 s is taken for gone. */
const BEAT_MS = 5_000;

export async function ingest(options: IngestOptions): Promise<IngestSummary> {
  const { line, listener, clock = systemClock } = options;
  const inputs = await resolveInputs(options.paths, options.source);
  if (options.prune) refusePartialReads(inputs, options.source);
  const sources = await claimSources(line, inputs);
  const run = await line.runs.start({ inputs: [...options.paths], sources: [...sources.keys()] });
  listener({ type: 'start', run: run.id, line: line.name, inputs: [...options.paths] });
  for (const message of line.warnings) listener({ type: 'warning', message });

  const ended = new AbortController();
  const drained = drainDeadline(options.signal, ended.signal, clock);
  const waiting: PersistOptions = {
    // Nothing is tried again for a run that has ended: its connections are closed.
    signal: AbortSignal.any([drained, ended.signal]),
    clock,
    onOutage: (error) => progress.held(isSluiceError(error) ? error.what : String(error)),
    unknownTries: UNKNOWN_TRIES,
    capMs: OUTAGE_LOOK_MS,
  };
  const progress = createRunProgress({ line, run, listener, clock, waiting, onStop: stopReading });
  const tooMany = new AbortController();
  let working: Promise<void> | undefined;
  let failure: unknown;
  let pruneRefused = false;
  const producer = `${run.id}-${randomUUID()}`;
  /** The backlog is above its mark: only a worker makes room, and the one there was may be gone. */
  let held = false;
  const beating = setInterval(() => {
    void line.ledger.beat(producer).catch(() => undefined);
    if (held) askForWorker();
  }, BEAT_MS);
  const handIn = createHandIn({
    line,
    pool: options.pool,
    cutId: options.plan.cutId,
    run: run.id,
    producer,
    recut: options.recut,
    signal: options.signal,
    waiting,
    onCounts: (counts) => {
      progress.handedIn(counts);
      if (options.wait && counts.tokens > 0) askForWorker();
    },
    onCursor: progress.reached,
    onRejected: reject,
    onSkipped: progress.skipped,
    onWaiting(reason) {
      progress.held(reason);
      held = reason !== undefined;
      if (held) askForWorker();
    },
    onStep: options.onStep,
  });

  try {
    return await Promise.race([work(), rejectionOf(drained)]);
  } finally {
    ended.abort();
    clearInterval(beating);
    await progress.close();
  }

  async function work(): Promise<IngestSummary> {
    await line.ledger.beat(producer);
    await readAll(handIn);
    await handIn.finish();
    await persist(() => line.ledger.leave(producer), waiting);
    progress.readingDone();
    // A run that failed has not read everything: what it did not see is not gone.
    if (failure !== undefined) throw failure;
    if (options.prune && !options.signal.aborted && !tooMany.signal.aborted) await pruneAll();
    if (options.wait) await progress.untilSettled(options.signal, startWorking);
    // Nothing is reported stored that went into a collection or a ledger that is not there any more.
    await persist(() => line.proveCollection(), waiting);
    return progress.finish(exitCode());
  }

  async function readAll(into: HandIn): Promise<void> {
    for await (const item of readDocuments(inputs, readOptions(options, line.config))) {
      if (options.signal.aborted || tooMany.signal.aborted || failure !== undefined) return;
      progress.read();
      if (item.type === 'document')
        await into.add(item.document, item.where, sources.get(item.source.name)!, item.manner);
      else if (item.type === 'rejected') reject(item.fault);
      else progress.skipped(item.fault);
    }
  }

  /** Asked when there is work, not before: a run that changes nothing needs neither worker nor engine. */
  function startWorking(): Promise<void> {
    working ??= persist(() => options.ensureWorker(), waiting).finally(() => {
      working = undefined;
    });
    return working;
  }

  function askForWorker(): void {
    if (failure === undefined && !options.signal.aborted) void startWorking().catch(stopReading);
  }

  function stopReading(error: unknown): void {
    // An interrupt ends a run by itself, with its summary.
    if (!options.signal.aborted) failure ??= error;
  }

  function reject(fault: ItemFault): void {
    progress.rejected(fault);
    if (options.maxErrors !== undefined && progress.counters.documents.rejected > options.maxErrors) tooMany.abort();
  }

  /** What is refused is told and deletes nothing; what was handed in is waited for all the same. */
  async function pruneAll(): Promise<void> {
    const complete = progress.counters.documents.rejected === 0;
    for (const [name, number] of sources) {
      const pruning = {
        line,
        source: { name, number },
        run,
        pruneMax: options.pruneMax,
        complete,
        onPruned: (id: string) => listener({ type: 'pruned', id }),
      };
      try {
        await persist(() => pruneSource(pruning), waiting);
      } catch (error) {
        if (!isSluiceError(error) || error.code !== 'prune_refused') throw error;
        pruneRefused = true;
        listener({ type: 'refused', error });
      }
    }
  }

  function exitCode(): number {
    if (options.signal.aborted) return 130;
    if (tooMany.signal.aborted) return 5;
    return pruneRefused ? 2 : 0;
  }
}

/** Aborts so long after the interrupt, with its reason; without one, a run takes as long as it takes. */
function drainDeadline(signal: AbortSignal, ended: AbortSignal, clock: Clock): AbortSignal {
  const deadline = new AbortController();
  const start = async () => {
    await clock.sleep(DRAIN_MS, ended);
    if (!ended.aborted) deadline.abort(signal.reason);
  };
  if (signal.aborted) void start();
  else signal.addEventListener('abort', start, { once: true });
  return deadline.signal;
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

export function readOptions(
  { stdin, stdinFormat, stdinId }: Pick<IngestOptions, 'stdin' | 'stdinFormat' | 'stdinId'>,
  config: Config,
): ReadOptions & ReadLimits {
  return {
    stdin,
    ...(stdinFormat !== undefined && { stdinFormat }),
    ...(stdinId !== undefined && { stdinId }),
    maxDocumentBytes: config.SLUICE_MAX_DOCUMENT_BYTES,
    maxLineBytes: config.SLUICE_MAX_LINE_BYTES,
  };
}

async function claimSources(line: Line, inputs: readonly Input[]): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for (const input of inputs) {
    if (input.kind === 'missing') continue;
    numbers.set(input.source.name, await line.sources.claim(input.source.name, input.source.root));
  }
  return numbers;
}

/** Pruning needs a read of everything: some files of a folder say nothing about the others. */
export function refusePartialReads(inputs: readonly Input[], source: string | undefined): void {
  const partial = inputs.find(
    ({ kind }) => kind === 'missing' || ((kind === 'file' || kind === 'pattern') && source === undefined),
  );
  if (partial === undefined) return;
  throw new SluiceError('prune_refused', {
    message: 'Pruning needs a complete read of its source',
    where: 'path' in partial ? partial.path : 'pattern' in partial ? partial.pattern : undefined,
    expected: 'a folder, or --source NAME with files or a pattern that are the whole source',
    fix: 'Name the folder, or say with --source NAME that these files are all there is.',
  });
}
