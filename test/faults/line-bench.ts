/**
 * One line with everything that a fault can be done to: a Valkey of its own, an engine of its own, a Milvus that may be shared, each
 * behind a fault proxy, and Milvus behind a scripted edge as well. What is looked at goes around the proxies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createChunkerPool } from '@sluice/chunker';
import { nodeFlags } from '@sluice/cli/node-flags';
import { type Config, createReleaser, documentKey, loadConfig, silentLogger } from '@sluice/core';
import {
  type Line,
  type LinePlan,
  openExistingLine,
  openLine,
  planLine,
  type ReconcileSummary,
  reconcileLine,
  verifyLine,
} from '@sluice/line';
import { type IngestSummary, ingest } from '@sluice/producer';
import {
  connectRedis,
  type Ledger,
  openChunkQueue,
  openLedger,
  type QueueCounts,
  type Redis,
  shardTag,
} from '@sluice/queue';
import { connectStore, type LineInfo, type Store } from '@sluice/store';
import { startLineWorker } from '@sluice/worker';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { type Child, startChild, withoutSettings } from './child.ts';
import { type TestDocument, toNdjson } from './documents.ts';
import { type EngineServer, startEngineServer } from './engine-server.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { lineSettings } from './line-settings.ts';
import { type MilvusEdge, startMilvusEdge } from './milvus-edge.ts';
import { createOracle, type Expected, type Oracle } from './oracle.ts';
import type { ProducerMessage, ProducerOrder } from './producer-process.ts';
import type { Random } from './random.ts';
import type { WorkerMessage, WorkerOrder } from './worker-process.ts';

const commandFile = resolve(import.meta.dirname, '../../apps/cli/src/main.ts');

export interface MilvusLogin {
  address: string;
  username: string;
  password: string;
}

export type WorkerChild = Child<WorkerMessage, WorkerOrder>;
export type ProducerChild = Child<ProducerMessage, ProducerOrder>;

export interface LineBench {
  readonly line: string;
  readonly random: Random;
  readonly valkey: TestValkey;
  readonly engine: EngineServer;
  readonly edge: MilvusEdge;
  /** What the line's processes go through. */
  readonly redisProxy: FaultProxy;
  readonly engineProxy: FaultProxy;
  readonly milvusProxy: FaultProxy;
  readonly config: Config;
  /** Around the proxies. */
  readonly redis: Redis;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly info: LineInfo;
  /** A worker in this process; rejects `stopped` with what stops the line. */
  worker(): Promise<{ stopped: Promise<unknown>; close(): Promise<void> }>;
  /** A worker that can be stopped and killed. */
  workerProcess(): Promise<WorkerChild>;
  /** The command as a user runs it, on this line; its standard error is kept. */
  command(args: readonly string[]): ChildProcess;
  producerProcess(): Promise<ProducerChild>;
  /** Hands documents in from this process and resolves when they are accepted. */
  handIn(documents: readonly TestDocument[]): Promise<IngestSummary>;
  /** `sluice reconcile`: the ledger is made again from the collection. */
  reconcile(): Promise<ReconcileSummary>;
  /** Jobs in the queue, around the proxies. */
  queued(): Promise<QueueCounts>;
  /** Resolves when nothing is open, to be settled or to be cleaned. */
  settled(): Promise<void>;
  /** Throws unless exactly this is stored, nothing else, and `verify` finds nothing. */
  expectStored(expected: readonly Expected[]): Promise<void>;
  /** Throws when an attempt was counted or a dead letter is kept. */
  expectUntouched(): Promise<void>;
  close(): Promise<void>;
}

export async function openLineBench(line: string, milvus: MilvusLogin, random: Random): Promise<LineBench> {
  const releaser = createReleaser();
  const home = await mkdtemp(join(tmpdir(), 'sluice-fault-'));
  releaser.push('the folder', () => rm(home, { recursive: true, force: true }));
  const owned = async <T>(what: string, opening: Promise<T>, close: (opened: T) => unknown): Promise<T> => {
    const opened = await opening;
    releaser.push(what, () => close(opened));
    return opened;
  };
  try {
    const valkey = await owned(
      'Valkey',
      startValkey(['--enable-debug-command', 'local', '--appendfsync', 'always']),
      (server) => server.stop(),
    );
    const engine = await owned('the engine', startEngineServer(), (server) => server.close());
    const edge = await owned('the edge', startMilvusEdge(milvus.address), (server) => server.close());
    const proxied = (what: string, port: number) =>
      owned(what, startFaultProxy({ host: '127.0.0.1', port }, random.fork(what)), (proxy) => proxy.close());
    const redisProxy = await proxied('redis', valkey.port);
    const engineProxy = await proxied('engine', engine.port);
    const milvusProxy = await proxied('milvus', edge.port);

    const env = lineSettings(line, {
      redisUrl: `redis://127.0.0.1:${redisProxy.port}`,
      milvus: { ...milvus, address: `127.0.0.1:${milvusProxy.port}` },
      engineUrl: `http://127.0.0.1:${engineProxy.port}`,
    });
    const { config } = loadConfig([{ name: 'fault test', values: env }]);
    const plan = await planLine(config);
    const redis = connectRedis(valkey.url, { role: 'worker', logger: silentLogger });
    releaser.push('the connection to Redis', () => redis.disconnect());
    const store = await owned('the store', connectStore({ ...milvus, logger: silentLogger }), (open) => open.close());
    const { info } = await store.openLine({ line, space: plan.space, cut: plan.cutId });
    releaser.push('the collection', () => store.dropLine(line));
    const address = { line, epoch: info.epoch, shards: info.shards };
    const ledger = openLedger(redis, address);
    const queue = openChunkQueue(redis, address);
    releaser.push('the queue', () => queue.close());
    const log = join(home, 'processes.log');
    let oracle: Promise<Oracle> | undefined;
    let producer:
      | Promise<{ opened: Line; cut: (documents: readonly TestDocument[]) => Promise<IngestSummary> }>
      | undefined;

    async function child<M extends { type: string }, O>(script: string): Promise<Child<M, O>> {
      const started = startChild<M, O>(script, {}, { env, log });
      releaser.push(script, () => (started.alive ? started.kill() : undefined));
      await started.next((message) => message.type === 'ready');
      return started;
    }

    return {
      line,
      random,
      valkey,
      engine,
      edge,
      redisProxy,
      engineProxy,
      milvusProxy,
      config,
      redis,
      store,
      ledger,
      info,

      async worker() {
        const own = createReleaser();
        const worker = await startLineWorker({ config, plan, logger: silentLogger, releaser: own }).catch(
          async (error: unknown) => {
            await own.release();
            throw error;
          },
        );
        const stopped = worker.finished.then(
          () => undefined,
          (error: unknown) => error,
        );
        let closed: Promise<void> | undefined;
        const close = () => {
          closed ??= own.release();
          return closed;
        };
        releaser.push('the worker', close);
        return { stopped, close };
      },
      command(args) {
        const file = openSync(log, 'a', 0o600);
        const started = spawn(process.execPath, [...nodeFlags, commandFile, ...args], {
          env: { ...withoutSettings(process.env), ...env, NO_COLOR: '1' },
          stdio: ['pipe', 'pipe', file],
        });
        closeSync(file);
        started.stdin!.on('error', () => undefined);
        releaser.push(args[0]!, () => void started.kill('SIGKILL'));
        return started;
      },
      workerProcess: () => child<WorkerMessage, WorkerOrder>('worker-process.ts'),
      producerProcess: () => child<ProducerMessage, ProducerOrder>('producer-process.ts'),

      async handIn(documents) {
        producer ??= openProducer(config, plan, releaser).catch((error: unknown) => {
          producer = undefined;
          throw error;
        });
        return (await producer).cut(documents);
      },

      async reconcile() {
        // A process that knew the lost ledger refuses the new one, and an ordinary one the empty one: this opens as the command does.
        const opened = await openExistingLine(config, { logger: silentLogger, releaser });
        producer = undefined;
        return reconcileLine(opened, {
          cutId: plan.cutId,
          prune: true,
          onLeftover: () => undefined,
          onWorkers: () => undefined,
          signal: new AbortController().signal,
        });
      },

      queued: () => queue.counts(),
      async settled() {
        for (;;) {
          // On a busy machine an answer may be late: asked again.
          const now = await ledger.counts().catch(() => undefined);
          if (now !== undefined && now.open + now.settling + now.cleaning === 0) return;
          await pause(50);
        }
      },

      async expectStored(expected) {
        oracle ??= createOracle(config);
        const { documents: _, rows: __, ...found } = await (await oracle).compare(store, info.collection, expected);
        const faults: string[] = Object.entries(found).flatMap(([kind, where]) =>
          where.length === 0 ? [] : [`${where.length} ${kind}: ${where.slice(0, 3).join(', ')}`],
        );
        await verifyLine(
          { name: line, ledger, store, info },
          { space: plan.space, repair: false, onFault: ({ kind, key }) => faults.push(`verify: ${kind} ${key}`) },
        );
        if (faults.length > 0) throw new Error(faults.join('; '));
      },

      async expectUntouched() {
        const { deadLetters } = await ledger.counts();
        if (deadLetters > 0) throw new Error(`${deadLetters} dead letters`);
        // The line's own sum: a chunk's count is gone with the chunk once it is stored.
        for (let shard = 0; shard < info.shards; shard += 1) {
          const counted = await redis.hget(`${shardTag(address, shard)}:totals`, 'attempts');
          if (counted !== null) throw new Error(`${counted} attempts were counted`);
        }
      },

      close: () => releaser.release(),
    };
  } catch (error) {
    await releaser.release();
    throw error;
  }
}

async function openProducer(config: Config, plan: LinePlan, releaser: ReturnType<typeof createReleaser>) {
  const opened = await openLine(config, plan, { role: 'producer', logger: silentLogger, releaser });
  const pool = await createChunkerPool({ threads: 1, limits: plan.limits });
  releaser.push('the chunker threads', () => pool.close());
  return {
    opened,
    cut: (documents: readonly TestDocument[]) =>
      ingest({
        line: opened,
        plan,
        pool,
        paths: ['-'],
        stdin: Readable.from([Buffer.from(toNdjson(documents))]),
        recut: false,
        prune: false,
        pruneMax: 1,
        wait: false,
        ensureWorker: async () => undefined,
        signal: new AbortController().signal,
        listener: () => undefined,
      }),
  };
}

export function keyOf(bench: LineBench, id: string): string {
  return documentKey({ line: bench.line, id });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
