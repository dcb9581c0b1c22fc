/** Workers that are killed, or stopped and woken when the world has moved on; a text that kills; two producers at the same moment. */
import { contentHash } from '@sluice/core';
import type { WorkerStep } from '@sluice/worker';
import { makeText, type TestDocument, toNdjson } from './documents.ts';
import { keyOf, type LineBench, type ProducerChild, type WorkerChild } from './line-bench.ts';
import type { MatrixRow, Stage } from './matrix-row.ts';
import type { Outcome } from './outage.ts';
import { lostIntents, sweepNow } from './sweep-now.ts';

/** The worker's lock, and a little more. */
const PAST_LOCK_MS = 17_000;
/** Any intent that is left is looked at: at this point none of a live worker is. */
const nobody: ReadonlySet<string> = new Set();

const STEPS: readonly { id: string; step: WorkerStep; where: string }[] = [
  { id: '1', step: 'before fence 1', where: 'before fence 1' },
  { id: '2', step: 'before send', where: 'between fence 1 and send' },
  { id: '3', step: 'between send and reply', where: 'between send and reply' },
  { id: '4', step: 'before mark', where: 'between reply and mark' },
];

/** In `npm test`: the one at which a request lands after its client woke or died. */
const SHORT_STEP = '3';

const zombies: MatrixRow[] = STEPS.flatMap(({ id, step, where }) => [
  {
    id: `W3-${id}`,
    fault: `a worker is stopped past its lock ${where}, a newer revision settles, the worker goes on`,
    promise: 'the older write leaves no trace',
    ...(id === SHORT_STEP && { short: true as const }),
    run: (stage: Stage) => zombie(stage, step, 'goes on'),
  },
  {
    id: `W3-${id}-kill`,
    fault: `a worker is stopped past its lock ${where}, a newer revision settles, the worker is killed`,
    promise: 'the older write leaves no trace after the sweeper, even one that lands after its client died',
    ...(id === SHORT_STEP && { short: true as const }),
    run: (stage: Stage) => zombie(stage, step, 'is killed'),
  },
]);

export const processRows: readonly MatrixRow[] = [
  ...zombies,
  {
    id: 'W1',
    fault: 'a worker is killed before it sends its rows',
    promise: 'another worker stores them; nothing twice',
    run: (stage) => deadWorker(stage, 'before send'),
  },
  {
    id: 'W2',
    fault: 'a worker is killed after Milvus has its rows, before the ledger hears of it',
    promise: 'another worker repeats the write harmlessly; nothing twice',
    run: (stage) => deadWorker(stage, 'before mark'),
  },
  {
    id: 'W4',
    fault: 'a worker’s event loop is blocked past its lock, with rows that Milvus has and the ledger has not heard of',
    promise: 'its work is done by another; nothing twice, nothing of the older revision',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 30);
      const blocked = await workerAt(bench, 'before mark', documents);
      blocked.order({ blockMs: PAST_LOCK_MS + 8_000 });
      blocked.order({ go: true });
      const other = await bench.worker();
      await bench.settled();
      // It goes on, and finds that nothing is left to do.
      await until(async () => (await bench.ledger.counts()).writeIntents === 0);
      await other.close();
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return {};
    },
  },
  {
    id: 'W8',
    fault: 'a defect in a worker: a promise that nobody awaits is rejected',
    promise: 'the process ends with 1, as a supervisor expects; another worker stores everything, nothing twice',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 30);
      const defect = await workerAt(bench, 'before send', documents);
      defect.order({ reject: true });
      const { code } = await defect.exited;
      if (code !== 1) throw new Error(`it ended with ${code}`);
      const endedAt = performance.now();
      await bench.worker();
      await bench.settled();
      const recoveryMs = performance.now() - endedAt;
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return { recoveryMs };
    },
  },
  {
    id: 'W5',
    fault: 'a worker gets SIGTERM in the middle of its work (a deploy)',
    promise: 'it hands back what it has not begun and ends; nothing stalls until a lock ends',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 60);
      const first = await bench.workerProcess();
      bench.engine.become(async () => void (await pause(300)));
      await bench.handIn(documents);
      await until(async () => (await bench.ledger.counts()).stored > 5);
      const askedAt = performance.now();
      first.signal('SIGTERM');
      await first.exited;
      bench.engine.become(undefined);
      const endedAt = performance.now();
      const { active, waiting } = await bench.queued();
      if (active > 0) throw new Error(`${active} chunks were left to stall`);
      if (waiting === 0) throw new Error('nothing was left to hand back');
      if (endedAt - askedAt > 15_000) throw new Error(`it took ${endedAt - askedAt} ms to end`);
      await bench.worker();
      await bench.settled();
      const recoveryMs = performance.now() - endedAt;
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return { recoveryMs };
    },
  },
  {
    id: 'W6',
    fault: 'a text kills every process that embeds it',
    promise: 'it ends as a dead letter `poison`, its neighbours are stored',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 12);
      documents[4] = { id: 'doc-4', text: `deadlyword ${makeText(bench.random, 'doc-4')}` };
      let worker: WorkerChild | undefined;
      let deaths = 0;
      bench.engine.become(({ texts }) => {
        if (!texts.some((text) => text.includes('deadlyword'))) return undefined;
        deaths += 1;
        worker?.signal('SIGKILL');
        return 'hang';
      });
      await bench.handIn(documents);
      let done = false;
      const supervised = (async () => {
        while (!done) {
          worker = await bench.workerProcess();
          await worker.exited;
        }
      })().catch((error: unknown) => {
        if (!done) throw error;
      });
      await Promise.race([bench.settled(), supervised]);
      done = true;
      worker?.signal('SIGKILL');
      await supervised;
      const letters: string[] = [];
      for await (const letter of bench.ledger.deadLetters()) letters.push(`${letter.documentId} ${letter.code}`);
      if (letters.join() !== 'doc-4 poison') throw new Error(`dead: ${letters.join(', ') || 'nothing'}`);
      await bench.expectStored(
        documents.map((one, i) => (i === 4 ? { id: one.id, text: undefined, dead: true } : one)),
      );
      return { note: `${deaths} processes died` };
    },
  },
  {
    id: 'D-two',
    fault: 'two producers hand in different texts of one document at the same moment',
    promise: 'one revision’s rows remain, the later',
    async run(stage) {
      const bench = await stage.bench();
      const count = 1_000;
      const [one, two] = [some(bench, count), some(bench, count)];
      await bench.worker();
      // Both are ready before either begins: batch by batch they meet.
      const [first, second] = await Promise.all([bench.producerProcess(), bench.producerProcess()]);
      await Promise.all([handedInBy(first, one), handedInBy(second, two)]);
      await bench.settled();
      const states = await bench.ledger.read(one.map(({ id }) => keyOf(bench, id)));
      const hash = (document: TestDocument) => contentHash({ ...document, format: 'text', metadata: {} });
      let ofFirst = 0;
      const expected = one.map((document, i) => {
        if (states[i]?.hash !== hash(document)) return two[i]!;
        ofFirst += 1;
        return document;
      });
      await bench.expectStored(expected);
      await bench.expectUntouched();
      return { note: `${count} documents; the first producer was the later ${ofFirst} times` };
    },
  },
];

/** The worker stands at the step with revision 1 when revision 2 is handed in and settles. */
async function zombie(stage: Stage, step: WorkerStep, end: 'goes on' | 'is killed'): Promise<Outcome> {
  const bench = await stage.bench();
  // One chunk each, so that one request is all there is of the older revision.
  const [older, newer] = [oneChunk(bench), oneChunk(bench)];
  const next = { id: 'next', text: makeText(bench.random, 'next') };
  const stopped = await bench.workerProcess();
  // At `between send and reply` the request stays on the network until the newer revision has settled.
  const landed = Promise.withResolvers<void>();
  if (step === 'between send and reply') {
    let held = false;
    bench.edge.become((method) => {
      if (held || method !== 'Upsert') return undefined;
      held = true;
      return { holdRequest: landed.promise };
    });
  }
  stopped.order({ arm: step });
  const at = stopped.next((message) => message.type === 'at');
  await bench.handIn([older]);
  await at;
  if (step === 'between send and reply') await until(() => (bench.edge.calls.get('Upsert') ?? 0) > 0);
  stopped.signal('SIGSTOP');
  const stoppedAt = performance.now();
  const good = await bench.worker();
  await bench.handIn([newer]);
  await bench.settled();
  if (!stage.short) await pause(Math.max(0, PAST_LOCK_MS - (performance.now() - stoppedAt)));

  const upserts = bench.edge.calls.get('Upsert') ?? 0;
  if (end === 'is killed') {
    await stopped.kill();
    landed.resolve();
    if (step === 'between send and reply') await olderRowsAre(bench, older, true);
    if (stage.short) await sweepNow(bench, nobody);
    await until(async () => (await lostIntents(bench, nobody)).length === 0);
  } else {
    stopped.signal('SIGCONT');
    stopped.order({ go: true });
    landed.resolve();
    await good.close();
    // The zombie is the only worker now: what it does next says that it is past the step.
    await bench.handIn([next]);
    await bench.settled();
    await until(async () => (await bench.ledger.counts()).writeIntents === 0);
  }
  await bench.expectStored(end === 'is killed' ? [newer] : [newer, next]);
  await bench.expectUntouched();
  return { note: `${(bench.edge.calls.get('Upsert') ?? 0) - upserts} upserts after it was woken or killed` };
}

async function olderRowsAre(bench: LineBench, { id }: TestDocument, there: boolean): Promise<void> {
  await until(async () => {
    const rows = await bench.store.rowsOf(bench.info.collection, keyOf(bench, id));
    return new Set(rows.map(({ rev }) => rev)).size > 1 === there;
  });
}

/** A worker that stands at the step, with some of the documents in hand. */
async function workerAt(bench: LineBench, step: WorkerStep, documents: readonly TestDocument[]): Promise<WorkerChild> {
  const worker = await bench.workerProcess();
  worker.order({ arm: step });
  const at = worker.next((message) => message.type === 'at');
  await bench.handIn(documents);
  await at;
  return worker;
}

async function deadWorker(stage: Stage, step: WorkerStep): Promise<Outcome> {
  const bench = await stage.bench();
  const documents = some(bench, 30);
  const victim = await workerAt(bench, step, documents);
  const killedAt = performance.now();
  await victim.kill();
  await bench.worker();
  await bench.settled();
  const recoveryMs = performance.now() - killedAt;
  await bench.expectUntouched();
  await bench.expectStored(documents);
  return { recoveryMs };
}

async function handedInBy(producer: ProducerChild, documents: readonly TestDocument[]): Promise<void> {
  const answered = producer.next((message) => message.type === 'accepted' || message.type === 'failed');
  producer.order({ handIn: toNdjson(documents), batch: 1 });
  const { type } = await answered;
  if (type !== 'accepted') throw new Error('a producer failed');
}

export function some({ random }: LineBench, count: number): TestDocument[] {
  return Array.from({ length: count }, (_, i) => ({ id: `doc-${i}`, text: makeText(random, `doc-${i}`) }));
}

function oneChunk({ random }: LineBench): TestDocument {
  return { id: 'doc-0', text: makeText(random, 'doc-0').split(' ').slice(0, 50).join(' ') };
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
