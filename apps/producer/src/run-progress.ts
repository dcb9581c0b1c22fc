/**
 * A run's counters. What only the producer knows (read, unchanged, skipped, rejected) is counted here and written to the
 * run's record; what the ledger decides (accepted, stored, superseded, partial, deleted, chunks) is read back from it, because
 * only the ledger counts each transition exactly once, whichever worker makes it.
 */
import { type Clock, createBackoff, isSluiceError, type PersistOptions, persist, verdictOf } from '@sluice/core';
import type { Line } from '@sluice/line';
import type { Rejection, Run, RunAddition } from '@sluice/queue';
import type { Cursor } from './cursor.ts';
import type { IngestListener } from './events.ts';
import type { HandedIn } from './hand-in.ts';
import type { ItemFault } from './source/item.ts';
import type { IngestSummary, RunCounters } from './summary.ts';

const REFRESH_MS = 250;
const RATE_WINDOW_MS = 10_000;
/** How often a waiting run looks whether anybody still works for it. */
const LOOK_FOR_WORKERS_MS = 5_000;

export interface RunProgressOptions {
  line: Pick<Line, 'name' | 'runs' | 'ledger' | 'proveLedger' | 'proveCollection'>;
  run: Run;
  listener: IngestListener;
  clock: Clock;
  /** How outages are waited out while the summary is written. */
  waiting: PersistOptions;
  /** The line is not what it was: there is nothing to wait for. */
  onStop(error: unknown): void;
}

export function createRunProgress({ line, run, listener, clock, waiting, onStop }: RunProgressOptions) {
  const startedAt = clock.monotonicMs();
  const counters: RunCounters = {
    documents: {
      read: 0,
      unchanged: 0,
      skipped: 0,
      accepted: 0,
      stored: 0,
      superseded: 0,
      partial: 0,
      deleted: 0,
      rejected: 0,
    },
    chunks: { accepted: 0, stored: 0, reused: 0, dead: 0 },
    tokens: { useful: 0, padded: 0, accepted: 0, stored: 0 },
    engineRequests: 0,
  };
  const rejectedByCode: Record<string, number> = {};
  const samples: { at: number; tokens: number }[] = [];
  /** What is not in the run's record yet. */
  let unwritten: Required<Pick<RunAddition, 'read' | 'unchanged'>> = { read: 0, unchanged: 0 };
  let faults: Rejection[] = [];
  let cursor: string | undefined;
  let unsettled = 0;
  let reading = true;
  let waitingFor: string | undefined;
  /** Why the line is held, if it is: then whatever else is waited for does not matter. */
  let paused: string | undefined;
  let refreshing: Promise<void> | undefined;
  const timer = setInterval(() => {
    refresh().catch((error: unknown) => {
      if (verdictOf(error) === 'stop') onStop(error);
    });
  }, REFRESH_MS);

  function refresh(): Promise<void> {
    refreshing ??= exchange().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  /** A refresh that begins now: one that is under way may have read before the last commit was counted. */
  async function refreshAnew(): Promise<void> {
    await refreshing?.catch(() => undefined);
    await refresh();
  }

  /** Writes what the record lacks, reads what the ledger has counted. */
  async function exchange(): Promise<void> {
    // Counts of a ledger that is not the run's own any more would say that nothing is left to do.
    await line.proveLedger();
    const [added, rejected] = [unwritten, faults];
    unwritten = { read: 0, unchanged: 0 };
    faults = [];
    try {
      await line.runs.reject(run.id, rejected);
      rejected.length = 0;
      await line.runs.add(run.id, added);
      added.read = added.unchanged = 0;
      const reached = cursor;
      if (reached !== undefined) await line.runs.setCursor(run.id, reached);
      if (cursor === reached) cursor = undefined;
    } finally {
      unwritten.read += added.read;
      unwritten.unchanged += added.unchanged;
      faults.unshift(...rejected);
    }
    const { documents, chunks, tokens, engineRequests } = await line.runs.counts(run.id);
    const { accepted, stored, superseded, partial, deleted } = documents;
    Object.assign(counters.documents, { accepted, stored, superseded, partial, deleted });
    counters.chunks = chunks;
    Object.assign(counters.tokens, { useful: tokens.useful, padded: tokens.padded, stored: tokens.stored });
    counters.engineRequests = engineRequests;
    unsettled = documents.unsettled;
    paused = await line.ledger.paused();
    emit();
  }

  function emit(): void {
    const now = clock.monotonicMs();
    samples.push({ at: now, tokens: counters.tokens.stored });
    while (samples.length > 2 && now - samples[0]!.at > RATE_WINDOW_MS) samples.shift();
    const first = samples[0]!;
    const tokensPerSecond = now > first.at ? ((counters.tokens.stored - first.tokens) * 1_000) / (now - first.at) : 0;
    const awaited =
      paused === undefined
        ? waitingFor
        : `the line is paused (${paused}); \`npx sluice resume --line ${line.name}\` lets it go on`;
    const left = counters.tokens.accepted - counters.tokens.stored;
    listener({
      type: 'progress',
      reading,
      seconds: (now - startedAt) / 1_000,
      tokensPerSecond,
      ...(tokensPerSecond > 0 && left > 0 && now - startedAt > 2_000 && { etaSeconds: left / tokensPerSecond }),
      ...(awaited !== undefined && { waitingFor: awaited }),
      ...structuredClone(counters),
    });
  }

  function addFault(skipped: boolean, { where, code, message, fix }: ItemFault): void {
    faults.push({ skipped, where, code, message, fix });
  }

  return {
    counters,
    read() {
      counters.documents.read++;
      unwritten.read++;
    },
    handedIn({ unchanged, tokens }: HandedIn) {
      counters.documents.unchanged += unchanged;
      unwritten.unchanged += unchanged;
      counters.tokens.accepted += tokens;
    },
    reached({ documents, where }: Cursor) {
      cursor = `${documents} documents, ${where}`;
    },
    skipped(fault: ItemFault) {
      counters.documents.skipped++;
      addFault(true, fault);
      listener({ type: 'skipped', ...fault });
    },
    rejected(fault: ItemFault) {
      counters.documents.rejected++;
      rejectedByCode[fault.code] = (rejectedByCode[fault.code] ?? 0) + 1;
      addFault(false, fault);
      listener({ type: 'rejected', ...fault });
    },
    held(reason: string | undefined) {
      const changed = waitingFor !== reason;
      waitingFor = reason;
      if (changed) emit();
    },
    readingDone() {
      reading = false;
    },
    /** Waits for the end of everything accepted. Outages are waited out; where no worker is left, `ensureWorker` is asked. */
    async untilSettled(signal: AbortSignal, ensureWorker: () => Promise<void>) {
      const backoff = createBackoff();
      let lookedAt = Number.NEGATIVE_INFINITY;
      while (!signal.aborted) {
        try {
          await refreshAnew();
          if (unsettled === 0) return;
          if (clock.monotonicMs() - lookedAt > LOOK_FOR_WORKERS_MS) {
            lookedAt = clock.monotonicMs();
            await line.proveCollection();
            const workers = await line.ledger.liveWorkers();
            if (workers.length === 0) await ensureWorker();
            waitingFor = await line.ledger.outage();
          }
          backoff.reset();
          await clock.sleep(REFRESH_MS, signal);
        } catch (error) {
          if (!isSluiceError(error) || error.verdict !== 'retry') throw error;
          waitingFor = error.what;
          emit();
          await clock.sleep(backoff.next(), signal);
        }
      }
    },
    /** The summary is the last that is heard of a run: no look may begin while it is written down. */
    async finish(exitCode: number): Promise<IngestSummary> {
      clearInterval(timer);
      await persist(refreshAnew, waiting);
      const { documents, chunks, tokens, engineRequests } = counters;
      const summary: IngestSummary = {
        type: 'summary',
        run: run.id,
        line: line.name,
        documents: { ...documents },
        chunks: { ...chunks },
        tokens: { useful: tokens.useful, padded: tokens.padded },
        engineRequests,
        rejectedByCode,
        seconds: Math.round(clock.monotonicMs() - startedAt) / 1_000,
        exitCode: exitCode === 0 && (documents.rejected > 0 || documents.partial > 0) ? 3 : exitCode,
      };
      await persist(() => line.runs.finish(run.id, summary), waiting);
      listener(summary);
      return summary;
    },
    async close() {
      clearInterval(timer);
      await refreshing?.catch(() => undefined);
    },
  };
}
