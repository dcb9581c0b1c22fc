/**
 * Handing documents in: compare → cut → prepare → enqueue → commit, in groups, a few groups at a time, so that one round
 * trip to Redis serves many documents and memory is bounded by the groups in flight, not by the corpus.
 *
 * A document is *accepted* when its revision is committed, which is when all its jobs are in. A process that dies before
 * that has superseded nothing.
 */
import type { ChunkerPool, CutDocument } from '@sluice/chunker';
import {
  contentHash,
  type DocumentKey,
  documentKey,
  type PersistOptions,
  persist,
  SluiceError,
  type SourceDocument,
  totalTokens,
} from '@sluice/core';
import type { Line } from '@sluice/line';
import type { ChunkJob } from '@sluice/queue';
import pLimit from 'p-limit';
import { chunkJobs } from './chunk-jobs.ts';
import { type Cursor, createCursor } from './cursor.ts';
import { cutFault, emptyItem } from './cut-fault.ts';
import { createSeenDocuments } from './seen-documents.ts';
import type { ItemFault, Manner } from './source/item.ts';

export interface HandedIn {
  unchanged: number;
  /** Tokens of the chunks of accepted documents that were not stored when they were handed in. */
  tokens: number;
}

export interface HandInOptions {
  line: Pick<Line, 'name' | 'address' | 'ledger' | 'queue' | 'admission'>;
  pool: ChunkerPool;
  cutId: string;
  /** The run that these documents belong to. */
  run: string;
  /** Names this producer for its heartbeat. */
  producer: string;
  recut: boolean;
  /** Ends the wait for room; what is in hand goes on. */
  signal: AbortSignal;
  /** How outages of Redis are waited out; its signal gives up. */
  waiting: PersistOptions;
  onCounts(counts: HandedIn): void;
  /** Everything up to here is accepted, unchanged or rejected. */
  onCursor(cursor: Cursor): void;
  onRejected(fault: ItemFault): void;
  onSkipped(fault: ItemFault): void;
  /** Why the producer waits, or undefined when it goes on. */
  onWaiting(reason: string | undefined): void;
  /** Told of every point at which the process may end; for the fault tests. */
  onStep?: OnHandInStep | undefined;
}

/** The points of handing a group in at which a producer may be killed: between two of them anything can have happened. */
export type HandInStep = 'before prepare' | 'after prepare' | 'while enqueuing' | 'before commit' | 'after commit';

/** Handing in goes on when what the hook returns has resolved. */
export type OnHandInStep = (step: HandInStep, documents: readonly string[]) => Promise<void> | void;

export interface HandIn {
  /** Resolves when there is room for more, not when the document is accepted. Throws what stops the run. */
  add(document: SourceDocument, where: string, source: number, manner?: Manner): Promise<void>;
  /** Resolves when everything added is accepted or rejected. */
  finish(): Promise<void>;
}

interface Cut {
  pending: Pending;
  cut: CutDocument;
}

interface Pending {
  document: SourceDocument;
  key: DocumentKey;
  hash: string;
  where: string;
  source: number;
  manner: Manner;
}

const GROUP_DOCUMENTS = 128;
/** What is in hand lives for a round trip or three: with a group four times as large, five times as much of it grew old in the heap. */
const GROUP_CHARACTERS = 250_000;
const GROUPS_IN_FLIGHT = 2;

export function createHandIn(options: HandInOptions): HandIn {
  const { line, pool, signal, waiting, onStep } = options;
  const limit = pLimit(GROUPS_IN_FLIGHT);
  const cutting = pLimit(pool.threads * 2);
  const seen = createSeenDocuments();
  const cursor = createCursor();
  let group: Pending[] = [];
  let characters = 0;
  let failure: unknown;
  const running = new Set<Promise<void>>();

  async function add(document: SourceDocument, where: string, source: number, manner: Manner = 'named'): Promise<void> {
    if (failure !== undefined) throw failure;
    const key = documentKey({ line: line.name, tenant: document.tenant, id: document.id });
    const hash = contentHash(document);
    const meeting = seen.meet(key, hash);
    if (meeting === 'same') return options.onCounts({ unchanged: 1, tokens: 0 });
    if (meeting === 'different') return options.onRejected({ where, ...duplicate(document.id) });
    group.push({ document, key, hash, where, source, manner });
    characters += document.text.length;
    if (group.length >= GROUP_DOCUMENTS || characters >= GROUP_CHARACTERS) await dispatch();
  }

  /** Sends the open group off; waits while as many groups as allowed are under way. */
  async function dispatch(): Promise<void> {
    const pending = group;
    group = [];
    characters = 0;
    if (pending.length === 0) return;
    const ended = cursor.leave(pending.length, pending.at(-1)!.where);
    const work = limit(() => handInGroup(pending))
      .then(() => {
        ended();
        if (cursor.current !== undefined) options.onCursor(cursor.current);
      })
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        running.delete(work);
      });
    running.add(work);
    while (running.size > GROUPS_IN_FLIGHT) await Promise.race(running);
    if (failure !== undefined) throw failure;
  }

  async function handInGroup(pending: Pending[]): Promise<void> {
    const asked = pending.map(({ key, hash, source }) => ({
      key,
      hash,
      cut: options.cutId,
      source,
      run: options.run,
      recut: options.recut,
    }));
    const answers = await persist(() => line.ledger.compare(asked), waiting);
    const changed = pending.filter((_, index) => answers[index]!.answer !== 'unchanged');
    if (changed.length < pending.length) options.onCounts({ unchanged: pending.length - changed.length, tokens: 0 });
    if (changed.length === 0) return;

    await persist(() => line.admission.wait(signal, options.onWaiting, { priority: 'bulk' }), waiting);
    options.onWaiting(undefined);
    const cut = (await Promise.all(changed.map((entry) => cutting(() => cutOne(entry))))).filter(
      (entry) => entry !== undefined,
    );
    if (cut.length > 0) await acceptAll(cut);
  }

  /** Prepare, enqueue, commit. A revision that was taken for abandoned meanwhile is handed in once more. */
  async function acceptAll(cut: Cut[], again = true): Promise<void> {
    const ids = cut.map(({ pending }) => pending.document.id);
    await onStep?.('before prepare', ids);
    const asked = cut.map(({ pending: { key, hash, document, source }, cut: { chunks } }) => ({
      key,
      id: document.id,
      tenant: document.tenant,
      hash,
      cut: options.cutId,
      chunkCount: chunks.length,
      tokens: chunks.map((chunk) => totalTokens(chunk.tokens)),
      source,
      run: options.run,
      producer: options.producer,
    }));
    const prepared = await persist(() => line.ledger.prepare(asked), waiting);
    await onStep?.('after prepare', ids);
    const places = new Map(
      cut.flatMap(({ pending: { document, key, hash }, cut: { chunks } }, index) => [
        ...chunkJobs({
          document,
          key,
          hash,
          chunks,
          prepared: prepared[index]!,
          epoch: line.address.epoch,
          priority: 'bulk',
          run: options.run,
        }),
      ]),
    );
    const adding = { signal: waiting.signal, priorityOf: (job: ChunkJob) => places.get(job)! };
    const enqueuing = persist(() => line.queue.add([...places.keys()], adding), waiting);
    await Promise.all([enqueuing, onStep?.('while enqueuing', ids)]);
    await onStep?.('before commit', ids);
    const revisions = cut.map(({ pending: { key } }, index) => ({ key, revision: prepared[index]!.revision }));
    const committed = await persist(() => line.ledger.commit(revisions), waiting);
    options.onWaiting(undefined);
    await onStep?.('after commit', ids);
    if (committed.includes('unknown')) {
      throw new SluiceError('ledger_lost', {
        message: 'The ledger forgot revisions that were just prepared',
        where: `line ${line.name}`,
      });
    }
    const abandoned = cut.filter((_, index) => committed[index] === 'abandoned');
    const accepted = cut.map(({ cut: { chunks } }, index) =>
      committed[index] === 'current'
        ? sum(prepared[index]!.missing.map((ordinal) => totalTokens(chunks[ordinal]!.tokens)))
        : 0,
    );
    options.onCounts({ unchanged: 0, tokens: sum(accepted) });
    if (abandoned.length > 0 && again) await acceptAll(abandoned, false);
    else if (abandoned.length > 0)
      throw new SluiceError('queue_busy', {
        message: 'This producer was taken for dead twice while it handed documents in',
        where: `line ${line.name}`,
      });
  }

  async function cutOne(pending: Pending): Promise<Cut | undefined> {
    try {
      const cut = await pool.cut(pending.document);
      if (cut.chunks.length > 0) return { pending, cut };
      const empty = emptyItem(pending.where, pending.manner);
      if (empty.type === 'skipped') options.onSkipped(empty.fault);
      else options.onRejected(empty.fault);
    } catch (error) {
      const own = cutFault(error, pending.where);
      if (own === undefined) throw error;
      options.onRejected(own);
    }
    return undefined;
  }

  return {
    add,
    async finish() {
      await dispatch();
      await Promise.all(running);
      if (failure !== undefined) throw failure;
    },
  };
}

function duplicate(id: string): Omit<ItemFault, 'where'> {
  return {
    code: 'duplicate_id',
    message: `The id ${JSON.stringify(id.slice(0, 120))} came before in this run with other text`,
    fix: 'Give each document its own id.',
  };
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
