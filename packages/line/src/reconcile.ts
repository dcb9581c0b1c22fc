/**
 * `sluice reconcile`: the ledger is made again from what the collection holds, after Redis was lost.
 *
 * Rows say which document, revision and content they are of and how many chunks it has, so the highest complete revision of each
 * document is on record again as what readers get, and handing the same content in costs nothing. What is left over is listed
 * and stays, because nobody knows what it was meant to become; `prune` deletes it. Revisions that the ledger believes stored and
 * the collection does not hold count as changed from now on. Jobs that nobody can finish leave the queue.
 *
 * It holds the line's lease, waits for its workers to be gone, and keeps new ones from starting work. A ledger that was lost is
 * born at the end, when every document is on record: until then nobody may hand in, because what is not on record yet would be taken
 * for new and its older rows would stay. Memory grows with what is
 * left over, not with the line. Harmless twice, and on a line that has lost nothing.
 */
import { type DocumentKey, type Revision, revisionHex, SluiceError, systemClock } from '@sluice/core';
import { type DocumentState, type LiveWorker, removeStrayJobs } from '@sluice/queue';
import type { RowHead } from '@sluice/store';
import { type FoundRevision, revisionsOf } from './complete-revisions.ts';
import { deleteRevisions } from './delete-revisions.ts';
import { documentsOf, type SeenDocument } from './documents-of.ts';
import type { Line } from './open-line.ts';

export interface Leftover {
  key: DocumentKey;
  id: string;
  tenant?: string;
  revision: Revision;
  rows: number;
  /** `incomplete`: chunks are missing, and nothing newer is readable · `replaced`: something newer is. */
  kind: 'incomplete' | 'replaced';
}

export interface ReconcileSummary {
  line: string;
  rows: number;
  /** Documents with rows; those of them whose readable revision is on record now, and was put there by this. */
  documents: number;
  whole: number;
  adopted: number;
  /** Revisions that were believed stored and are not there: they count as changed. */
  distrusted: number;
  /** Jobs that nobody could finish. */
  strayJobs: number;
  /** Revisions left over, and those of them that were deleted. */
  left: number;
  deleted: number;
}

export interface ReconcileOptions {
  /** Of the cut that the configuration makes: rows do not say how they were cut, and another cut alone is no change. */
  cutId: string;
  /** Delete what is left over. */
  prune: boolean;
  onLeftover(leftover: Leftover): void;
  /** Workers that are still there. */
  onWorkers(workers: readonly LiveWorker[]): void;
  signal: AbortSignal;
}

type Reconciled = Pick<Line, 'name' | 'info' | 'ledger' | 'store' | 'redis' | 'address'>;

const GROUP = 100;
const HELD = 'sluice reconcile is making the ledger again';
/** Longer than a worker that died without a word is taken for alive. */
const WORKERS_GONE_MS = 40_000;
const LOOK_MS = 1_000;
const LEASE_MS = 30_000;

/** Throws `line_busy` while workers serve the line or another process reconciles it. */
export async function reconcileLine(line: Reconciled, options: ReconcileOptions): Promise<ReconcileSummary> {
  const { ledger } = line;
  const lease = await ledger.lease(LEASE_MS);
  if (lease === undefined) {
    throw new SluiceError('line_busy', { message: 'Another process is making the ledger again', where: line.name });
  }
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const keepLease = async (): Promise<void> => {
    if (!(await lease.renew())) throw new SluiceError('line_busy', { message: 'The lease was lost', where: line.name });
  };
  const renewing = setInterval(() => {
    keepLease().catch((error: unknown) => ending.abort(error));
  }, LEASE_MS / 3);
  try {
    const reason = await ledger.paused();
    if (reason === undefined) await ledger.pause(HELD);
    try {
      await untilNobodyWorks(line, options);
    } catch (error) {
      if (reason === undefined) await ledger.resume();
      throw error;
    }
    const summary = await rebuild(line, { ...options, signal }, keepLease);
    // One that was cut short holds the line under this reason: the next one lets it go.
    if (reason === undefined || reason === HELD) await ledger.resume();
    return summary;
  } finally {
    clearInterval(renewing);
    await lease.release();
  }
}

async function untilNobodyWorks({ name, ledger }: Reconciled, { onWorkers, signal }: ReconcileOptions): Promise<void> {
  const until = systemClock.monotonicMs() + WORKERS_GONE_MS;
  for (;;) {
    const workers = await ledger.liveWorkers();
    if (workers.length === 0) return;
    signal.throwIfAborted();
    if (systemClock.monotonicMs() > until) {
      throw new SluiceError('line_busy', {
        message: 'Workers serve the line',
        where: `line ${name}`,
        got: workers.map(({ host, pid }) => `${host} ${pid}`).join(', '),
      });
    }
    onWorkers(workers);
    await systemClock.sleep(LOOK_MS, signal);
  }
}

async function rebuild(
  line: Reconciled,
  options: ReconcileOptions,
  keepLease: () => Promise<void>,
): Promise<ReconcileSummary> {
  const { ledger, store, info } = line;
  const summary: ReconcileSummary = {
    line: line.name,
    rows: 0,
    documents: 0,
    whole: 0,
    adopted: 0,
    distrusted: 0,
    strayJobs: 0,
    left: 0,
    deleted: 0,
  };
  let floor = '0';

  for await (const group of documentsOf(store.rowHeads(info.collection), GROUP)) {
    options.signal.throwIfAborted();
    await reconcileGroup(group);
  }
  for await (const page of ledger.scan()) {
    options.signal.throwIfAborted();
    const stored = page.filter(({ state }) => state === 'stored');
    const there = await store.documentIds(
      info.collection,
      stored.map(({ key }) => key),
    );
    const distrusted = await ledger.distrust(stored.filter(({ key }) => !there.has(key)));
    summary.distrusted += distrusted.filter(Boolean).length;
  }
  summary.strayJobs = await removeStrayJobs(line.redis, line.address, { drew: ledger.drew });
  options.signal.throwIfAborted();
  // A Redis that was lost once more meanwhile has lost the lease as well.
  await keepLease();
  // Last of all: producers begin when every document is on record, and no revision given then is at or below one that has rows.
  await ledger.begin(floor);
  return summary;

  async function reconcileGroup(group: readonly SeenDocument<RowHead>[]): Promise<void> {
    const found = group.map(({ rows }) => revisionsOf(line.name, rows));
    floor = found.flat().reduce((a, { revision }) => (revisionHex(revision) > revisionHex(a) ? revision : a), floor);
    const adopted = await ledger.adopt(
      group.flatMap(({ key }, i) => {
        const best = found[i]!.find(({ whole }) => whole !== undefined);
        return best === undefined ? [] : [{ key, revision: best.revision, cut: options.cutId, ...best.whole! }];
      }),
    );
    summary.adopted += adopted.filter(Boolean).length;
    const states = await ledger.read(group.map(({ key }) => key));
    for (const [i, { key, rows }] of group.entries()) {
      summary.rows += rows.length;
      summary.documents += 1;
      await judge(key, rows[0]!, found[i]!, states[i]);
    }
  }

  async function judge(key: DocumentKey, row: RowHead, found: FoundRevision[], state: DocumentState | undefined) {
    const kept = keptOf(state);
    if (found.some(({ revision, whole }) => whole !== undefined && revision === state?.wholeRevision))
      summary.whole += 1;
    else if (state?.state === 'stored') {
      const [distrusted] = await ledger.distrust([{ key, revision: state.currentRevision! }]);
      if (distrusted) summary.distrusted += 1;
    }
    for (const { revision, rows } of found.filter(({ revision }) => !kept.has(revision))) {
      options.onLeftover({
        key,
        id: row.doc_id,
        ...(row.tenant !== undefined && { tenant: row.tenant }),
        revision,
        rows,
        kind: isReplaced(revision, state) ? 'replaced' : 'incomplete',
      });
      summary.left += 1;
      if (!options.prune) continue;
      await deleteRevisions(line, [{ key, revision }]);
      summary.deleted += 1;
    }
  }
}

/**
 * After the sources were handed in by `run`: what was left over of documents that it has seen, and that something newer has
 * replaced, goes; with `prune` all that is still of no use. How many revisions went.
 */
export async function deleteLeftovers(
  line: Pick<Line, 'ledger' | 'store' | 'info'>,
  leftovers: readonly Pick<Leftover, 'key' | 'revision'>[],
  { run, prune }: { run: number; prune: boolean },
): Promise<number> {
  const states = await line.ledger.read(leftovers.map(({ key }) => key));
  const useless = leftovers.filter(({ revision }, i) => {
    const state = states[i];
    if (keptOf(state).has(revision)) return false;
    return prune || (state?.seenBy === run && isReplaced(revision, state));
  });
  await deleteRevisions(line, useless);
  return useless.length;
}

/** Revisions that may have rows. */
function keptOf(state: DocumentState | undefined): Set<Revision | undefined> {
  const kept = new Set([state?.wholeRevision, ...(state?.preparedRevisions ?? [])]);
  if (state !== undefined && state.state !== 'deleted') kept.add(state.currentRevision);
  return kept;
}

function isReplaced(revision: Revision, state: DocumentState | undefined): boolean {
  const newer = state?.wholeRevision ?? (state?.state === 'deleted' ? state.currentRevision : undefined);
  return newer !== undefined && revisionHex(revision) < revisionHex(newer);
}
