/**
 * What goes on while things are killed: documents are handed in, edited, deleted and put back (A-B-A) by producer processes,
 * never more unsettled at a time than the line can have in its hands. What a dead producer left in doubt is handed in again, as
 * a person would, sometimes with newer text. Only what a producer reported as accepted counts as accepted.
 */
import { type Child, startChild } from './child.ts';
import { editText, makeText, POISON, type TestDocument, toNdjson } from './documents.ts';
import type { Expected } from './oracle.ts';
import type { ProducerMessage, ProducerOrder } from './producer-process.ts';
import type { Random } from './random.ts';

interface Entry {
  id: string;
  /** The accepted text; undefined: deleted, or never accepted. */
  accepted: string | undefined;
  /** Texts that were accepted before, newest last. */
  earlier: string[];
  /** In a producer's hands: the text, or null for a delete. */
  pending: string | null | undefined;
}

interface Batch {
  entries: Entry[];
  remove: boolean;
  /** When the producer that had it was killed. */
  killedAt?: number;
}

export interface TrafficCounts {
  handedIn: number;
  edits: number;
  deletions: number;
  backAgain: number;
  inDoubt: number;
}

export interface Producer {
  child: Child<ProducerMessage, ProducerOrder>;
  ready: boolean;
  /** A lane of the plan waits for it at a step. */
  reserved: boolean;
}

export interface Traffic {
  readonly counts: TrafficCounts;
  readonly producers: readonly Producer[];
  /** Every document once. */
  readonly seeded: boolean;
  /** Every text that was ever handed in, in that order; a delete is an empty one. */
  texts(): readonly TestDocument[];
  expected(): Expected[];
  /** SIGKILL; resolves when it is gone. It is started again after `awayMs`. */
  kill(producer: Producer, awayMs: number): Promise<void>;
  /** No more changes; resolves when everything begun is accepted. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface TrafficOptions {
  documents: number;
  random: Random;
  env: Record<string, string>;
  log: string;
  /** Documents on their way; undefined while nobody can tell. */
  unsettled(): number | undefined;
  /** A batch that a killed producer had was accepted from another. */
  onRecovered(ms: number): void;
}

const PRODUCERS = 2;
const BATCH = 24;
/** Producers wait while more documents than this are on their way. */
export const MAX_UNSETTLED = 200;
const POISONED = 'poisoned';

export function startTraffic(options: TrafficOptions): Traffic {
  const { random, env, log } = options;
  const counts: TrafficCounts = { handedIn: 0, edits: 0, deletions: 0, backAgain: 0, inDoubt: 0 };
  const entries = Array.from({ length: options.documents }, (_, i): Entry => {
    return { id: `doc-${i}`, accepted: undefined, earlier: [], pending: undefined };
  });
  const poisoned: Entry = { id: POISONED, accepted: undefined, earlier: [], pending: undefined };
  const texts: TestDocument[] = [];
  const fresh = [...entries, poisoned];
  const redo: Batch[] = [];
  let finishing = false;
  let closing = false;
  let number = 0;
  let away = new Map<Producer, number>();
  const producers = Array.from({ length: PRODUCERS }, () => ({ child: spawn(), ready: false, reserved: false }));
  const working = producers.map((producer) => produce(producer));

  function spawn(): Child<ProducerMessage, ProducerOrder> {
    return startChild<ProducerMessage, ProducerOrder>('producer-process.ts', {}, { env, log });
  }

  async function produce(producer: Producer): Promise<void> {
    await ready(producer);
    while (!closing) {
      if (!producer.child.alive) {
        await pause(away.get(producer) ?? 0);
        away.delete(producer);
        producer.child = spawn();
        await ready(producer);
        continue;
      }
      const batch = nextBatch(producer);
      if (batch === undefined) {
        if (finishing) return;
        await pause(50);
        continue;
      }
      await handIn(producer, batch);
    }
  }

  /** A producer that is killed while it starts is started again by the loop above. */
  async function ready(producer: Producer): Promise<void> {
    producer.ready = false;
    await producer.child
      .next((message) => message.type === 'ready')
      .then(
        () => {
          producer.ready = true;
        },
        () => undefined,
      );
  }

  async function handIn(producer: Producer, batch: Batch): Promise<void> {
    number += 1;
    const order = number;
    const answered = producer.child
      .next((message) => (message.type === 'accepted' || message.type === 'failed') && message.batch === order)
      .then(({ type }) => type === 'accepted')
      .catch(() => false);
    const ids = batch.entries.map(({ id }) => id);
    const documents = batch.entries.map(({ id, pending }) => ({ id, text: pending ?? '' }));
    if (batch.remove) producer.child.order({ remove: ids, batch: order });
    else producer.child.order({ handIn: toNdjson(documents), batch: order });
    texts.push(...documents);
    counts.handedIn += batch.entries.length;
    if (await answered) {
      for (const entry of batch.entries) {
        if (entry.accepted !== undefined) entry.earlier.push(entry.accepted);
        entry.accepted = entry.pending ?? undefined;
        entry.pending = undefined;
      }
      if (batch.killedAt !== undefined) options.onRecovered(performance.now() - batch.killedAt);
      return;
    }
    counts.inDoubt += batch.entries.length;
    for (const entry of batch.entries) {
      if (entry.pending != null && entry !== poisoned && random.next() < 0.25) {
        entry.pending = editText(random, entry.id, entry.pending);
      }
    }
    redo.push({ ...batch, ...(!producer.child.alive && { killedAt: batch.killedAt ?? performance.now() }) });
  }

  /** One that is to be met at a step gets work whatever is on its way. */
  function nextBatch({ reserved }: Producer): Batch | undefined {
    const again = redo.shift();
    if (again !== undefined) return again;
    const unsettled = options.unsettled() ?? Number.POSITIVE_INFINITY;
    if (unsettled > MAX_UNSETTLED && !reserved) return undefined;
    if (fresh.length > 0) {
      const some = fresh.splice(0, BATCH);
      for (const entry of some) {
        entry.pending = entry === poisoned ? `${POISON} ${makeText(random, entry.id)}` : makeText(random, entry.id);
      }
      return { entries: some, remove: false };
    }
    return finishing ? undefined : change(reserved);
  }

  /**
   * Of a batch of changes one in eight is of deletes alone; in the others most are edits, some go back, deleted ones return. A
   * reserved producer is to prepare and commit, which a delete does not.
   */
  function change(reserved: boolean): Batch | undefined {
    const free = random.shuffle(entries.filter(({ pending }) => pending === undefined)).slice(0, BATCH);
    if (!reserved && random.next() < 0.125) {
      const some = free.filter(({ accepted }) => accepted !== undefined).slice(0, BATCH / 2);
      for (const entry of some) entry.pending = null;
      counts.deletions += some.length;
      return some.length === 0 ? undefined : { entries: some, remove: true };
    }
    for (const entry of free) {
      const { id, accepted, earlier } = entry;
      const back = earlier.at(-1);
      if (back !== undefined && back !== accepted && random.next() < 0.3) {
        entry.pending = back;
        counts.backAgain += 1;
      } else {
        entry.pending =
          accepted === undefined || random.next() < 0.2 ? makeText(random, id) : editText(random, id, accepted);
        counts.edits += 1;
      }
    }
    return free.length === 0 ? undefined : { entries: free, remove: false };
  }

  return {
    counts,
    producers,
    get seeded() {
      return fresh.length === 0;
    },
    texts: () => texts,
    expected: () => [
      ...entries.map(({ id, accepted }) => ({ id, text: accepted })),
      { id: POISONED, text: undefined, dead: true },
    ],
    async kill(producer, awayMs) {
      away.set(producer, awayMs);
      producer.ready = false;
      await producer.child.kill();
    },
    async finish() {
      finishing = true;
      await Promise.all(working);
    },
    async close() {
      closing = true;
      away = new Map();
      await Promise.all(producers.map(({ child }) => child.kill()));
      await Promise.all(working);
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
