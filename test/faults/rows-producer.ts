/** Producers: killed between two steps or anywhere, interrupted, stopped while they hold a revision. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { HandInStep } from '@sluice/producer';
import { toNdjson } from './documents.ts';
import { keyOf } from './line-bench.ts';
import type { MatrixRow, Stage } from './matrix-row.ts';
import type { Outcome } from './outage.ts';
import { pause, some, until } from './rows-process.ts';

const betweenSteps: MatrixRow[] = (['after prepare', 'while enqueuing', 'before commit'] as const).map(
  (step, index) => ({
    id: `P2-${index + 1}`,
    fault: `a producer with a newer text is killed ${step.replace('before', 'before its').replace('after', 'after its')}`,
    promise: 'the older revision, accepted before, completes; handed in again, the newer one does',
    ...(step === 'before commit' && { short: true as const }),
    run: (stage: Stage) => deadProducer(stage, step),
  }),
);

export const producerRows: readonly MatrixRow[] = [
  ...betweenSteps,
  {
    id: 'P1',
    fault: '`sluice ingest` is killed (SIGKILL) while it reads, cuts and hands in',
    promise: 'what it had accepted is stored; the same command again makes the rest so, and does nothing twice',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 400);
      await bench.worker();
      const killed = bench.command(['ingest', '-', '--no-wait', '--json']);
      killed.stdin!.write(toNdjson(documents.slice(0, 300)));
      await until(async () => (await bench.ledger.counts()).stored > 20);
      await ended(killed, 'SIGKILL');
      await bench.settled();
      const before = (await bench.ledger.counts()).stored;
      const requests = bench.engine.requests;
      const again = bench.command(['ingest', '-', '--no-wait', '--json']);
      again.stdin!.end(toNdjson(documents));
      if ((await ended(again)) !== 0) throw new Error('the command failed the second time');
      await bench.settled();
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return {
        note: `${before} of 400 were stored before; ${bench.engine.requests - requests} engine requests for the rest`,
      };
    },
  },
  {
    id: 'P3',
    fault: '`sluice ingest` is interrupted (SIGINT) once, and twice',
    promise:
      'once: what is in hand is accepted, exit 130 within 10 s; twice: exit 130 at once; the same command again goes on',
    async run(stage) {
      const bench = await stage.bench();
      const documents = some(bench, 400);
      await bench.worker();
      const notes: string[] = [];
      for (const signals of [1, 2]) {
        const interrupted = bench.command(['ingest', '-', '--no-wait', '--json']);
        interrupted.stdin!.write(toNdjson(documents.slice(0, 150 * signals)));
        await until(async () => (await bench.ledger.counts()).stored > 20);
        const askedAt = performance.now();
        if (signals === 2) interrupted.kill('SIGINT');
        const code = await ended(interrupted, 'SIGINT');
        const tookMs = performance.now() - askedAt;
        if (code !== 130) throw new Error(`ended with ${code} after ${signals} signals`);
        if (tookMs > 10_000) throw new Error(`took ${tookMs} ms after ${signals} signals`);
        notes.push(`${signals}: ${(tookMs / 1_000).toFixed(1)} s`);
      }
      const again = bench.command(['ingest', '-', '--no-wait', '--json']);
      again.stdin!.end(toNdjson(documents));
      if ((await ended(again)) !== 0) throw new Error('the command failed the third time');
      await bench.settled();
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return { note: notes.join(', ') };
    },
  },
  {
    id: 'P5',
    fault: 'a producer hangs (SIGSTOP) between prepare and commit',
    promise: 'others are not held up; when it goes on, what it hands in is accepted and stored',
    async run(stage) {
      const bench = await stage.bench();
      const [hung, others] = [some(bench, 8), some(bench, 40).map((one) => ({ ...one, id: `other-${one.id}` }))];
      const producer = await bench.producerProcess();
      producer.order({ arm: 'after prepare' });
      const at = producer.next((message) => message.type === 'at');
      const accepted = producer.next((message) => message.type === 'accepted');
      producer.order({ handIn: toNdjson(hung), batch: 1 });
      await at;
      producer.signal('SIGSTOP');
      const stoppedAt = performance.now();
      await bench.worker();
      await bench.handIn(others);
      await bench.settled();
      const settledMs = performance.now() - stoppedAt;
      await pause(Math.max(0, stage.outageMs - settledMs));
      producer.signal('SIGCONT');
      producer.order({ go: true });
      await accepted;
      await bench.settled();
      await bench.expectUntouched();
      await bench.expectStored([...hung, ...others]);
      return { note: `40 documents of others stored in ${(settledMs / 1_000).toFixed(1)} s meanwhile` };
    },
  },
];

async function deadProducer(stage: Stage, step: HandInStep): Promise<Outcome> {
  const bench = await stage.bench();
  const [older, newer] = [some(bench, 4), some(bench, 4)];
  await bench.handIn(older);
  const producer = await bench.producerProcess();
  producer.order({ arm: step });
  const at = producer.next((message) => message.type === 'at');
  producer.order({ handIn: toNdjson(newer), batch: 1 });
  await at;
  await producer.kill();

  await bench.worker();
  await bench.settled();
  for (const document of older) {
    const [state] = await bench.ledger.read([keyOf(bench, document.id)]);
    const rows = await bench.store.rowsOf(bench.info.collection, keyOf(bench, document.id));
    const readable = rows.filter(({ rev }) => rev === state?.wholeRevision);
    if (state?.state !== 'stored' || readable.length !== state.chunkCount || readable.length === 0) {
      throw new Error(`${document.id}: ${readable.length} readable rows of the older revision, ${state?.state}`);
    }
    if (!document.text.startsWith(readable[0]!.text)) throw new Error(`${document.id} holds another text`);
  }
  await bench.handIn(newer);
  await bench.settled();
  await bench.expectStored(newer);
  await bench.expectUntouched();
  return {};
}

/** Its exit code as a shell shows it, after a signal where one is given. */
async function ended(command: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  command.stdout!.resume();
  const exited = once(command, 'exit');
  if (signal !== undefined) command.kill(signal);
  const [code, by] = (await exited) as [number | null, NodeJS.Signals | null];
  return by === null ? code : 128 + constants.signals[by];
}
