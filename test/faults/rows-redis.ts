/** Redis: killed, stopped, frozen, full, read-only, loading, slow, its connections cut; and when it refuses for good. */
import { connect } from 'node:net';
import type { Redis } from '@sluice/queue';
import { makeText } from './documents.ts';
import type { LineBench } from './line-bench.ts';
import type { MatrixRow } from './matrix-row.ts';
import { type Outage, throughOutage } from './outage.ts';

const STORED = 'everything accepted is stored, no attempt is counted, nothing is dead';

const outageRow = (id: string, fault: string, outage: Outage, more: Partial<MatrixRow> = {}): MatrixRow => ({
  id,
  fault,
  promise: STORED,
  run: async (stage) => throughOutage(await stage.bench(), { noHandingIn: true, ...outage }, stage),
  ...more,
});

export const redisRows: readonly MatrixRow[] = [
  outageRow('R1', 'Redis is killed (SIGKILL) and comes back with its AOF', {
    begin: ({ valkey }) => valkey.kill(),
    end: ({ valkey }) => valkey.restart(),
  }),
  outageRow('R1-stop', 'Redis is stopped (SIGTERM) and started again', {
    async begin({ valkey, redis }) {
      process.kill(valkey.pid, 'SIGTERM');
      await new Promise((resolve) => redis.once('close', resolve));
      await valkey.kill();
    },
    end: ({ valkey }) => valkey.restart(),
  }),
  outageRow('R3', 'Redis hangs (SIGSTOP)', {
    begin: ({ valkey }) => valkey.freeze(),
    end: ({ valkey }) => valkey.thaw(),
  }),
  outageRow('R3-half-open', 'the connections to Redis are half-open', {
    begin: ({ redisProxy }) => redisProxy.become({ kind: 'half-open' }),
    end: ({ redisProxy }) => redisProxy.become(undefined),
  }),
  outageRow('R4', 'Redis memory is full (OOM)', {
    begin: async ({ redis }) => void (await redis.config('SET', 'maxmemory', '1mb')),
    end: async ({ redis }) => void (await redis.config('SET', 'maxmemory', '256mb')),
  }),
  outageRow('R6', 'every connection is killed, five times a second (CLIENT KILL)', storm()),
  outageRow('R7', 'Redis is read-only (READONLY, as after a failover)', {
    begin: async ({ redis }) => void (await redis.replicaof('127.0.0.1', 1)),
    end: async ({ redis }) => void (await redis.replicaof('NO', 'ONE')),
  }),
  outageRow('R10-loading', 'Redis is loading its data (LOADING), 30 s', {
    async begin({ valkey, redis }) {
      // 1 ms a command, in which every other command gets LOADING.
      await redis.eval("for i = 1, 30000 do redis.call('set', 'filler:' .. i, 'x') end", 0);
      await redis.config('SET', 'key-load-delay', '1000');
      void command(valkey.port, ['DEBUG', 'LOADAOF']);
      while (await answers(redis)) await pause(20);
    },
    async end({ redis }) {
      while (!(await answers(redis))) await pause(100);
    },
  }),
  outageRow('R10-slow', 'every reply of Redis takes 200 ms more', {
    noHandingIn: false,
    begin: ({ redisProxy }) => redisProxy.become({ kind: 'latency', ms: 100, jitterMs: 20 }),
    end: ({ redisProxy }) => redisProxy.become(undefined),
  }),
  outageRow('R-reply', 'Redis carries commands out and its replies are lost', {
    begin: ({ redisProxy }) => redisProxy.become({ kind: 'drop-reply' }),
    async end({ redisProxy }) {
      // Whoever still waits for an answer is told that there will be none.
      await redisProxy.become({ kind: 'down' });
      await redisProxy.become(undefined);
    },
  }),
  {
    id: 'R2',
    fault: 'Redis loses everything (FLUSHALL) while a write is under way',
    promise:
      'nothing is deleted, workers stop with ledger_lost; reconcile and the source make it complete without embedding again what was whole',
    async run(stage) {
      const bench = await stage.bench();
      const documents = Array.from({ length: 12 }, (_, i) => ({
        id: `doc-${i}`,
        text: makeText(bench.random, `doc-${i}`),
      }));
      const [last, ...whole] = documents;
      const worker = await bench.worker();
      await bench.handIn(whole);
      await bench.settled();
      const rows = await bench.store.countRows(bench.info.collection);

      const release = Promise.withResolvers<void>();
      const met = Promise.withResolvers<void>();
      bench.edge.become((method) => {
        if (method !== 'Upsert') return undefined;
        met.resolve();
        return { holdRequest: release.promise };
      });
      await bench.handIn([last!]);
      await met.promise;
      await bench.redis.flushall();
      bench.edge.become(undefined);
      release.resolve();
      const stopped = (await worker.stopped) as { code?: string } | undefined;
      if (stopped?.code !== 'ledger_lost') throw new Error(`stopped with ${stopped?.code ?? 'nothing'}`);
      await worker.close();
      const left = await bench.store.countRows(bench.info.collection);
      if (left < rows) throw new Error(`${rows - left} rows were deleted`);

      const { whole: adopted } = await bench.reconcile();
      const requests = bench.engine.requests;
      const again = await bench.handIn(documents);
      if (again.documents.unchanged < whole.length) throw new Error(`only ${again.documents.unchanged} unchanged`);
      await bench.worker();
      await bench.settled();
      await bench.expectStored(documents);
      const next = await bench.handIn(documents);
      if (next.documents.unchanged !== documents.length) throw new Error(`${next.documents.unchanged} unchanged`);
      // Preflight of the new worker aside, at most what was under way is embedded again.
      return {
        note: `${adopted} documents whole again, ${bench.engine.requests - requests} engine requests, preflight included`,
      };
    },
  },
  {
    id: 'R5',
    fault: 'Redis is told to evict keys (maxmemory-policy)',
    promise: 'no worker and no producer starts: queue_unsafe; with noeviction again they do',
    async run(stage) {
      const bench = await stage.bench();
      await bench.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      for (const starting of [() => bench.worker(), () => bench.handIn([])]) {
        const code = await starting().then(
          () => 'nothing',
          (error: { code?: string }) => error.code,
        );
        if (code !== 'queue_unsafe') throw new Error(`refused with ${code}`);
      }
      await bench.redis.config('SET', 'maxmemory-policy', 'noeviction');
      const document = { id: 'later', text: makeText(bench.random, 'later') };
      await bench.worker();
      await bench.handIn([document]);
      await bench.settled();
      await bench.expectStored([document]);
      return {};
    },
  },
  {
    id: 'R10-key',
    fault: 'Redis asks for another password (WRONGPASS, NOAUTH)',
    promise: 'the line stops with queue_refused_key; nothing is lost',
    async run(stage) {
      const bench = await stage.bench();
      const worker = await bench.worker();
      await bench.redis.config('SET', 'requirepass', 'another');
      await command(bench.valkey.port, ['AUTH', 'another'], ['CLIENT', 'KILL', 'TYPE', 'normal']);
      const stopped = (await worker.stopped) as { code?: string } | undefined;
      await command(bench.valkey.port, ['AUTH', 'another'], ['CONFIG', 'SET', 'requirepass', '']);
      if (stopped?.code !== 'queue_refused_key') throw new Error(`stopped with ${stopped?.code ?? 'nothing'}`);
      const document = { id: 'later', text: makeText(bench.random, 'later') };
      await bench.worker();
      await bench.handIn([document]);
      await bench.settled();
      await bench.expectStored([document]);
      return {};
    },
  },
];

async function answers(redis: Redis): Promise<boolean> {
  return redis.ping().then(
    () => true,
    () => false,
  );
}

function storm(): Outage {
  let killing: NodeJS.Timeout | undefined;
  return {
    begin({ valkey }: LineBench) {
      killing = setInterval(() => void command(valkey.port, ['CLIENT', 'KILL', 'TYPE', 'normal']), 200);
    },
    end: () => clearInterval(killing),
  };
}

/** Commands on a connection of their own; whatever happens to it. */
async function command(port: number, ...commands: string[][]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const all = [...commands, ['QUIT']];
  socket.write(all.map((words) => `${words.map((word) => JSON.stringify(word)).join(' ')}\r\n`).join(''));
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
