/** Milvus: killed, frozen, unreachable, busy, answering nonsense or losing its replies; and the collection that is not there. */
import { makeText } from './documents.ts';
import type { MatrixRow } from './matrix-row.ts';
import type { EdgeAnswer } from './milvus-edge.ts';
import type { MilvusServer } from './milvus-server.ts';
import { type Outage, throughOutage } from './outage.ts';

const STORED = 'the line says what it waits for; then everything is stored once, no attempt counted, nothing dead';

const row = (id: string, fault: string, outage: Outage, more: Partial<MatrixRow> = {}): MatrixRow => ({
  id,
  fault,
  promise: STORED,
  run: async (stage) => throughOutage(await stage.bench(), { noHandingIn: true, ...outage }, stage),
  ...more,
});

/** A Milvus that answers these calls so, all of them if none is named. */
const answering = (answer: EdgeAnswer, says: RegExp, methods?: readonly string[]): Outage => ({
  begin: ({ edge }) => edge.become((method) => (methods?.includes(method) === false ? undefined : answer)),
  end: ({ edge }) => edge.become(undefined),
  says,
});

export const milvusRows: readonly MatrixRow[] = [
  {
    id: 'V1',
    fault: 'Milvus is killed (SIGKILL) and comes back',
    promise: STORED,
    exclusive: true,
    async run(stage) {
      const milvus = stage.milvusServer!;
      let readyMs = 0;
      const outcome = await throughOutage(
        await stage.bench(),
        {
          noHandingIn: true,
          begin: () => milvus.kill(),
          async end() {
            readyMs = await milvus.restart();
          },
          says: /store_/,
        },
        stage,
      );
      return { ...outcome, note: itsOwnWayBack(milvus, readyMs) };
    },
  },
  {
    id: 'V3-freeze',
    fault: 'Milvus hangs (SIGSTOP) past its session lease',
    promise: STORED,
    exclusive: true,
    async run(stage) {
      const milvus = stage.milvusServer!;
      let readyMs = 0;
      const outcome = await throughOutage(
        await stage.bench(),
        {
          noHandingIn: true,
          begin: () => milvus.freeze(),
          async end() {
            readyMs = await milvus.thaw();
          },
        },
        stage,
      );
      return { ...outcome, note: itsOwnWayBack(milvus, readyMs) };
    },
  },
  row('V-down', 'the connections to Milvus are reset and refused', {
    begin: ({ milvusProxy }) => milvusProxy.become({ kind: 'down' }),
    end: ({ milvusProxy }) => milvusProxy.become(undefined),
    says: /store_unreachable/,
  }),
  row('V2', 'Milvus carries requests out and its replies are lost', {
    begin: ({ milvusProxy }) => milvusProxy.become({ kind: 'drop-reply' }),
    async end({ milvusProxy }) {
      await milvusProxy.become({ kind: 'down' });
      await milvusProxy.become(undefined);
    },
  }),
  row('V3', 'the connections to Milvus are half-open', {
    begin: ({ milvusProxy }) => milvusProxy.become({ kind: 'half-open' }),
    end: ({ milvusProxy }) => milvusProxy.become(undefined),
  }),
  row(
    'V4',
    'Milvus answers that its rate limit is reached',
    answering({ errorCode: 'RateLimit', code: 8 }, /store_busy/, ['Upsert', 'Insert', 'Delete']),
  ),
  row(
    'V4-quota',
    'Milvus answers that its quota is exhausted',
    answering({ errorCode: 'ForceDeny', code: 9 }, /store_busy/),
  ),
  row(
    'V-65535',
    'Milvus answers 65535 to everything, as it does while it recovers',
    answering({ errorCode: 'UnexpectedError', code: 65_535 }, /store_failed/),
    { short: true },
  ),
  row(
    'V9',
    'Milvus answers UNIMPLEMENTED to everything, which its client shows as success',
    answering({ grpcStatus: 12 }, /store_/),
  ),
  row(
    'V6',
    'Milvus acknowledges fewer rows than were sent',
    answering({ errorCode: 'Success', code: 0 }, /store_failed/, ['Upsert']),
  ),
  row('N3-milvus', 'data to and from Milvus comes in slices of 200 bytes', {
    begin: ({ milvusProxy }) => milvusProxy.become({ kind: 'slice', bytes: 200, pauseMs: 1 }),
    end: ({ milvusProxy }) => milvusProxy.become(undefined),
  }),
  row('N3-reset', 'one piece of data in twenty resets its connection to Milvus', {
    begin: ({ milvusProxy }) => milvusProxy.become({ kind: 'reset', probability: 0.05 }),
    end: ({ milvusProxy }) => milvusProxy.become(undefined),
  }),
  row('O', 'outages of Redis, engine and Milvus that overlap', {
    async begin({ engine, milvusProxy, valkey }) {
      engine.become(() => ({ status: 503, body: {} }));
      await milvusProxy.become({ kind: 'half-open' });
      await valkey.kill();
    },
    async end({ engine, milvusProxy, valkey }) {
      // Back one after the other: each meets the others still away.
      await valkey.restart();
      await pause(2_000);
      await milvusProxy.become(undefined);
      await pause(2_000);
      engine.become(undefined);
    },
  }),
  {
    id: 'V7',
    fault: 'the collection is dropped while the line works',
    promise: 'the line stops and says so; nothing is reported stored',
    async run(stage) {
      const bench = await stage.bench();
      const worker = await bench.worker();
      await bench.handIn([{ id: 'before', text: makeText(bench.random, 'before') }]);
      await bench.settled();
      await bench.store.dropLine(bench.line);
      // A producer that looks at the collection first refuses; one that has looked hands in, and the worker finds out.
      await bench.handIn([{ id: 'after', text: makeText(bench.random, 'after') }]).catch((error: unknown) => {
        if ((error as { code?: string }).code !== 'missing_collection') throw error;
      });
      const stopped = (await worker.stopped) as { code?: string } | undefined;
      if (stopped?.code !== 'missing_collection') throw new Error(`stopped with ${stopped?.code ?? 'nothing'}`);
      const { stored } = await bench.ledger.counts();
      if (stored !== 1) throw new Error(`${stored} documents are called stored`);
      return {};
    },
  },
];

function itsOwnWayBack({ startedAgain }: MilvusServer, readyMs: number): string {
  const again = startedAgain.length === 0 ? '' : `; started again by its supervisor: ${startedAgain.join(', ')}`;
  return `Milvus itself ${(readyMs / 1_000).toFixed(1)} s${again}`;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
