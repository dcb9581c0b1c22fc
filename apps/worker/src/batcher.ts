/**
 * The batcher: each processor call hands its chunk in and awaits its own outcome.
 *
 * An item is **fenced** (in groups), then either **reused** (an older row has its vector), or **waiting** in the planner
 * until an engine request has room for it, **embedding**, **writing** and **marked**. At most `inFlight` engine requests
 * are out, so that the next one is there before the device is free: a second one only when it is full, so that a trickle is
 * not cut into crumbs while the device is busy; when the engine is idle a short request leaves after `lingerMs`. Every request
 * holds the item that has waited longest, so an item waits for at most as many requests as items were before it. Rows that become ready while Milvus is busy leave together.
 *
 * A line that is **held** sends nothing more: what is in a request finishes, everything else is handed back.
 *
 * Invariants: no request exceeds the padded-token or row budget; a write is sent only within `fenceMaxAgeMs` of a fence
 * that said go on; a key is in one write at a time; every item gets exactly one outcome.
 */
import { type Clock, type Logger, persist, SluiceError } from '@sluice/core';
import { type BatchPlanner, createBatchPlanner, paddedTokens } from '@sluice/embedder';
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
  /** Rows of one Milvus request at most. */
  writeRows?: number;
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
  const { verbs, clock, logger, onOutage, writesInFlight = 4, writeRows = 256, lingerMs = 5 } = options;
  const aborting = new AbortController();
  const { signal } = aborting;
  const held = new Set<Item>();
  const planner: BatchPlanner<Item> = createBatchPlanner<Item>({
    maxPaddedTokens: options.maxPaddedTokens,
    maxRows: options.maxRows,
  });
  const waitingOut = { signal, clock, onOutage };
  let closing = false;
  let holding = false;
  let requests = 0;
  let writes = 0;
  let ready: WrittenItem[] = [];
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

  /** The cut vector; a vector that came back null or NaN is asked for once more, alone, before its item is dead. */
  async function usable(item: Item, full: Float32Array | null): Promise<Float32Array | undefined> {
    let again = full;
    if (again === null) {
      again = (await verbs.embed([item])).vectors[0] ?? null;
      verbs.countRequest([item], item.tokens);
    }
    try {
      if (again === null)
        throw new SluiceError('bad_vector', {
          message: 'The engine returned no finite vector for this chunk, twice',
          where: item.id,
        });
      return verbs.cut(again);
    } catch (error) {
      await declareDead(item, error as SluiceError);
      return undefined;
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
    ready.push(...rows);
    while (ready.length > 0 && writes < writesInFlight) {
      const batch = ready.slice(0, writeRows);
      ready = ready.slice(writeRows);
      writes += 1;
      const items = batch.map(({ item }) => item);
      void run(items, () => writeBatch(batch)).finally(() => {
        writes -= 1;
        queueWrite([]);
      });
    }
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
      const deadline = clock.monotonicMs() + graceMs;
      while ((requests > 0 || writes > 0) && clock.monotonicMs() < deadline) await clock.sleep(20);
      aborting.abort(new Error('the worker is closing'));
      for (const item of held) item.finish('handed-back');
    },
  };
}

function poison(item: Item): SluiceError {
  return new SluiceError('poison', {
    message: 'Three worker processes died while they embedded this chunk alone',
    where: item.id,
  });
}
