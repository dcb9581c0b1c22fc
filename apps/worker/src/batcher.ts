/**
 * The batcher: each processor call hands its chunk in and awaits its own outcome.
 *
 * An item is **fenced** (in groups), then either **reused** (an older row has its vector), or **waiting** in the planner
 * until an engine request has room for it, **embedding**, **writing** and **marked**. At most `inFlight` engine requests
 * are out, so that the next one is there before the device is free: a second one only when it is full, so that a trickle is
 * not cut into crumbs while the device is busy; when the engine is idle a short request leaves after `lingerMs`. How long an item
 * waits at most is the planner's promise.
 *
 * Rows **gather** while more are on their way, until there are `writeBytes` or `writeRows` of them or the first has waited for
 * `gatherMs`; when nothing is at the engine they leave at once. A write costs a describe and a mark however small it is.
 *
 * A batcher that is **holding** sends nothing more: what is in a request finishes, everything else is handed back; so is what its engine
 * does not take.
 *
 * Invariants: no request exceeds the padded-token or row budget; a write is sent only within `fenceMaxAgeMs` of a fence
 * that said go on; a key is in one write at a time; every item gets exactly one outcome.
 *
 * One file, because every step looks at the same few counts of what is at the engine and in Milvus.
 */
import { type Clock, isSluiceError, type Logger, persist, SluiceError } from '@sluice/core';
import { type BatchPlanner, createBatchPlanner, paddedTokens } from '@sluice/embedder';
import { isLive } from '@sluice/queue';
import { type DeliverOptions, deliver } from './deliver.ts';
import { createGrouper } from './group.ts';
import type { Item, Outcome } from './item.ts';
import type { BatcherVerbs, WrittenItem } from './verbs.ts';

export interface BatcherOptions {
  verbs: BatcherVerbs;
  maxPaddedTokens: number;
  maxRows: number;
  /** What the engine was found to take just now; never more than the budget. */
  workingSize(): { maxPaddedTokens: number };
  /** Engine requests that should be out just now. */
  inFlight(): number;
  /** Milvus requests in flight. */
  writesInFlight?: number;
  /** Rows of one write at most. */
  writeRows?: number;
  /** A write of this size need not grow. */
  writeBytes?: number;
  /** How long a ready row waits for others. */
  gatherMs?: number;
  /** How old the last fence may be when a write is sent: half the lock time. */
  fenceMaxAgeMs: number;
  lingerMs?: number;
  clock: Clock;
  logger: Logger;
  onOutage(error: unknown, waitMs: number): void;
  /** Something was stored or died: settlement may have work. */
  onProgress(): void;
  /** A verdict `stop`, or a defect: the line stops. */
  onStop(error: unknown): void;
}

export interface Batcher {
  /** Resolves with the item's outcome. */
  accept(item: Item): Promise<Outcome>;
  /** Items accepted and without outcome. */
  readonly held: number;
  /** Hands back what is not in a request, and what comes, until `resume`. Idempotent. */
  hold(): void;
  resume(): void;
  /** Hands back what is not yet in a request, lets requests finish for `graceMs`, then hands back the rest. */
  close(graceMs: number): Promise<void>;
}

export function createBatcher(options: BatcherOptions): Batcher {
  const { verbs, clock, logger, onOutage, writesInFlight = 4, writeRows = 256, writeBytes = 2_000_000 } = options;
  const { lingerMs = 5, gatherMs = 50 } = options;
  const aborting = new AbortController();
  const { signal } = aborting;
  const held = new Set<Item>();
  const planner: BatchPlanner<Item> = createBatchPlanner<Item>({
    maxPaddedTokens: options.maxPaddedTokens,
    maxRows: options.maxRows,
    classOf: (priority) => (isLive(priority) ? 0 : 1),
  });
  const waitingOut = { signal, clock, onOutage };
  let closing = false;
  let holding = false;
  let requests = 0;
  let writes = 0;
  let ready: WrittenItem[] = [];
  let readyBytes = 0;
  /** Since when there are ready rows without a break. */
  let readySince = 0;
  let gathering: NodeJS.Timeout | undefined;
  let lingering: NodeJS.Timeout | undefined;

  const fenceOne = createGrouper((items: Item[]) => persist(() => verbs.fence(items), waitingOut), {
    maxItems: 128,
    lingerMs: 2,
  });
  const findOne = createGrouper((items: Item[]) => persist(() => verbs.findVectors(items), waitingOut), {
    maxItems: 128,
    lingerMs: 10,
  });
  const forgetOne = createGrouper(
    async (items: Item[]) => {
      await persist(() => verbs.forget(items), waitingOut);
      return items;
    },
    { maxItems: 128, lingerMs: 10 },
  );

  /** Runs a step of the pipeline; whatever it throws stops the line, except that we are closing. */
  function run(items: Item[], step: () => Promise<void>): Promise<void> {
    return step().catch((error: unknown) => {
      if (!signal.aborted) options.onStop(error);
      for (const item of items) item.finish('handed-back');
    });
  }

  async function admit(item: Item): Promise<void> {
    if (!(await stillWanted(item))) return;
    if (item.older && !holding) {
      const vector = await findOne(item);
      if (vector !== undefined && !holding) return queueWrite([{ item, vector, reused: true }]);
    }
    if (closing || holding) return item.finish('handed-back');
    if (item.tokens > options.maxPaddedTokens) {
      throw new SluiceError('bad_configuration', {
        message: 'A chunk in the queue is larger than an engine request may be',
        where: item.id,
        expected: `at most SLUICE_BATCH_TOKENS=${options.maxPaddedTokens} tokens`,
        got: `${item.tokens} tokens`,
        fix: 'Raise SLUICE_BATCH_TOKENS of this worker to at least SLUICE_MAX_TOKENS of the producer.',
      });
    }
    if (item.suspicion === 'poison') return declareDead(item, poison(item));
    if (item.suspicion === 'run alone') return embedAlone(item);
    planner.add(item, item.tokens, item.priority);
    pump();
  }

  async function embedAlone(item: Item): Promise<void> {
    requests += 1;
    try {
      await embedBatch([item]);
    } finally {
      requests -= 1;
      pump();
      gather();
    }
  }

  async function stillWanted(item: Item): Promise<boolean> {
    const askedAt = clock.monotonicMs();
    const { answer, older } = await fenceOne(item);
    switch (answer) {
      case 'current':
      case 'prepared':
        item.fencedAt = askedAt;
        item.older = older;
        return true;
      case 'already-stored':
        item.finish('already-stored');
        return false;
      case 'overtaken':
        await forgetOne(item);
        item.finish('overtaken');
        return false;
      case 'unknown':
        throw new SluiceError('ledger_lost', {
          message: 'The queue has work of which the ledger knows nothing',
          where: item.id,
        });
    }
  }

  /** Fences again those whose last fence is older than `maxAgeMs`; returns the ones that go on. */
  async function refence(items: Item[], maxAgeMs: number): Promise<Item[]> {
    const now = clock.monotonicMs();
    const wanted = await Promise.all(items.map((item) => (now - item.fencedAt <= maxAgeMs ? true : stillWanted(item))));
    return items.filter((_, index) => wanted[index]);
  }

  function pump(): void {
    while (!closing && planner.size > 0 && requests < options.inFlight()) {
      const full = planner.tokens >= options.workingSize().maxPaddedTokens || planner.size >= options.maxRows;
      if (!full && requests > 0) return;
      if (!full && lingering === undefined) {
        lingering = setTimeout(() => {
          lingering = undefined;
          if (requests === 0) send();
          pump();
        }, lingerMs);
        return;
      }
      if (!full) return;
      send();
    }
  }

  function send(): void {
    const batch = closing ? [] : planner.take(options.workingSize());
    if (batch.length === 0) return;
    requests += 1;
    void run(batch, () => embedBatch(batch)).finally(() => {
      requests -= 1;
      pump();
      gather();
    });
  }

  async function embedBatch(batch: Item[]): Promise<void> {
    const items = await refence(batch, options.fenceMaxAgeMs / 2);
    if (items.length > 0) await deliver(items, engineDelivery);
  }

  const engineDelivery: DeliverOptions = {
    send: embedOnce,
    witness: () => verbs.witnessEngine(),
    attempt: countAttempt,
    dead: declareDead,
    onOutage,
    handedBack(items) {
      if (holding) for (const item of items) item.finish('handed-back');
      return holding;
    },
    signal,
    clock,
  };

  async function embedOnce(batch: Item[]): Promise<void> {
    const items = batch.filter((item) => item.outcome === undefined);
    if (items.length === 0) return;
    const startedAt = clock.monotonicMs();
    const padded = paddedTokens(items.map((item) => item.tokens));
    const { vectors } = await verbs.embed(items);
    verbs.countRequest(items, padded);
    logger.info(
      {
        event: 'batch embedded',
        rows: items.length,
        paddedTokens: padded,
        usefulTokens: items.reduce((sum, item) => sum + item.tokens, 0),
        ms: Math.round(clock.monotonicMs() - startedAt),
      },
      'batch',
    );
    const written: WrittenItem[] = [];
    for (const [index, item] of items.entries()) {
      const vector = await usable(item, vectors[index] ?? null);
      if (vector !== undefined) written.push({ item, vector, reused: false });
    }
    queueWrite(written);
  }

  /**
   * The cut vector; undefined when the item is dead. A vector that came back null, not finite or zero is asked for once more, alone; then the
   * item is at fault only if the witness has a right one. Throws what the witness says, else.
   */
  async function usable(item: Item, full: Float32Array | null): Promise<Float32Array | undefined> {
    const first = cutOf(item, full);
    if (first instanceof Float32Array) return first;
    const { vectors } = await verbs.embed([item]);
    verbs.countRequest([item], item.tokens);
    const second = cutOf(item, vectors[0] ?? null);
    if (second instanceof Float32Array) return second;
    await witness();
    await declareDead(item, second);
    return undefined;
  }

  /** Throws what stops the line, or an outage: whatever else the engine says of a known text, the item is not to blame. */
  async function witness(): Promise<void> {
    try {
      await verbs.witnessEngine();
    } catch (error) {
      if (!isSluiceError(error) || error.verdict === 'stop' || error.verdict === 'retry') throw error;
      throw new SluiceError(error.code, {
        message: `A known text failed as well: ${error.what}`,
        where: error.where,
        verdict: 'retry',
        cause: error,
      });
    }
  }

  function cutOf(item: Item, full: Float32Array | null): Float32Array | SluiceError {
    if (full === null) {
      const message = 'The engine returned no finite vector for this chunk, twice';
      return new SluiceError('bad_vector', { message, where: item.id });
    }
    try {
      return verbs.cut(full);
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      return error;
    }
  }

  function countAttempt(item: Item): Promise<number> {
    return persist(() => verbs.attempt(item), waitingOut);
  }

  async function declareDead(item: Item, error: SluiceError): Promise<void> {
    if (!(await persist(() => verbs.dead(item, error), waitingOut))) {
      await forgetOne(item);
      return item.finish('overtaken');
    }
    logger.warn({ event: 'chunk dead', chunk: item.id, err: error }, 'dead letter');
    item.finish('dead');
    options.onProgress();
  }

  function queueWrite(rows: WrittenItem[]): void {
    if (ready.length === 0) readySince = clock.monotonicMs();
    for (const row of rows) {
      ready.push(row);
      readyBytes += roughBytes(row);
    }
    gather();
  }

  /** Writes what is large enough, and lets the rest wait: for the rows that this turn of the event loop brings, or for what is at the engine. */
  function gather(): void {
    while (ready.length >= writeRows || readyBytes >= writeBytes) if (!write()) return;
    clearTimeout(gathering);
    gathering = undefined;
    if (ready.length === 0) return;
    const idle = requests === 0 && planner.size === 0;
    const waited = clock.monotonicMs() - readySince;
    gathering = setTimeout(write, idle || closing ? 0 : Math.max(0, gatherMs - waited));
  }

  /** Sends the rows that are ready, as many as may go together. False: as many writes as may be are out; the next one to end goes on. */
  function write(): boolean {
    if (ready.length === 0 || writes >= writesInFlight) return false;
    const batch = ready.slice(0, writeRows);
    ready = ready.slice(batch.length);
    for (const row of batch) readyBytes -= roughBytes(row);
    writes += 1;
    const items = batch.map(({ item }) => item);
    void run(items, () => writeBatch(batch)).finally(() => {
      writes -= 1;
      gather();
    });
    return true;
  }

  async function writeBatch(batch: WrittenItem[]): Promise<void> {
    const rowOf = new Map(batch.map((row) => [row.item, row]));
    const rows = (items: Item[]) => items.filter((item) => item.outcome === undefined).map((item) => rowOf.get(item)!);
    await deliver([...rowOf.keys()], {
      async send(items) {
        const fresh = await refence(
          items.filter((item) => item.outcome === undefined),
          options.fenceMaxAgeMs,
        );
        if (fresh.length > 0) await verbs.upsert(rows(fresh));
      },
      witness: () => verbs.witnessStore(),
      attempt: countAttempt,
      dead: declareDead,
      onOutage,
      signal,
      clock,
    });
    const sent = rows([...rowOf.keys()]);
    if (sent.length === 0) return;
    const answers = await persist(() => verbs.mark(sent), waitingOut);
    options.onProgress();
    await Promise.all(sent.map(({ item, reused }, index) => concluded(item, answers[index]!, reused)));
  }

  async function concluded(
    item: Item,
    answer: Awaited<ReturnType<BatcherVerbs['mark']>>[number],
    reused: boolean,
  ): Promise<void> {
    switch (answer) {
      case 'stored':
        return item.finish(reused ? 'reused' : 'stored');
      case 'already-stored':
        return item.finish('already-stored');
      case 'overtaken':
        await forgetOne(item);
        return item.finish('overtaken');
      case 'unknown':
        throw new SluiceError('ledger_lost', {
          message: 'The ledger forgot a document while one of its chunks was written',
          where: item.id,
        });
    }
  }

  return {
    accept(item) {
      held.add(item);
      if (closing || holding) item.finish('handed-back');
      else void run([item], () => admit(item));
      return item.finished.finally(() => held.delete(item));
    },
    get held() {
      return held.size;
    },
    hold() {
      holding = true;
      for (const item of planner.drain()) item.finish('handed-back');
    },
    resume() {
      holding = false;
    },
    async close(graceMs) {
      closing = true;
      clearTimeout(lingering);
      for (const item of planner.drain()) item.finish('handed-back');
      gather();
      const deadline = clock.monotonicMs() + graceMs;
      while ((requests > 0 || writes > 0 || ready.length > 0) && clock.monotonicMs() < deadline) await clock.sleep(20);
      clearTimeout(gathering);
      aborting.abort(new Error('the worker is closing'));
      for (const item of held) item.finish('handed-back');
    },
  };
}

/** A row in a write, one byte a character; the store divides what is larger than Milvus should get. */
function roughBytes({ item, vector }: WrittenItem): number {
  return item.job.text.length + vector.byteLength + 500;
}

function poison(item: Item): SluiceError {
  return new SluiceError('poison', {
    message: 'Three worker processes died while they embedded this chunk alone',
    where: item.id,
  });
}
