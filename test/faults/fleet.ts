/** Worker processes that are started again when they are killed, as a supervisor would; one that stops by itself is a finding. */
import { type Child, startChild } from './child.ts';
import type { WorkerMessage, WorkerOrder } from './worker-process.ts';

export interface FleetWorker {
  /** Its name in the ledger, once it works. */
  readonly id: string | undefined;
  readonly child: Child<WorkerMessage, WorkerOrder>;
  readonly ready: boolean;
  /** Chunks that it has fetched and not marked. */
  readonly inHand: ReadonlySet<string>;
  /** A lane of the plan waits for it at a step. */
  reserved: boolean;
}

export interface Fleet {
  readonly workers: readonly FleetWorker[];
  /** Codes with which workers ended by themselves. */
  readonly ended: readonly string[];
  /** SIGKILL; what it had in hand. It is started again after `awayMs`. */
  kill(worker: FleetWorker, awayMs: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface FleetOptions {
  size: number;
  env: Record<string, string>;
  log: string;
  onMarked(): void;
  /** How many work now, told whenever that changes. */
  onRunning(count: number): void;
}

export function startFleet({ size, env, log, onMarked, onRunning }: FleetOptions): Fleet {
  const ended: string[] = [];
  let closing = false;

  const workers = Array.from({ length: size }, () => start({ reserved: false } as Mutable));

  function start(worker: Mutable): Mutable {
    const child = startChild<WorkerMessage, WorkerOrder>('worker-process.ts', {}, { env, log });
    const inHand = new Set<string>();
    Object.assign(worker, { child, inHand, id: undefined, ready: false, awayMs: undefined });
    child.onMessage((message) => {
      if (message.type === 'ready') {
        Object.assign(worker, { id: message.id, ready: true });
        tellRunning();
      }
      if (message.type === 'took') for (const chunk of message.chunks) inHand.add(chunk);
      if (message.type === 'marked') {
        for (const chunk of message.chunks) inHand.delete(chunk);
        onMarked();
      }
      if (message.type === 'stopped') ended.push(message.code);
    });
    void child.exited.then(async ({ code, signal }) => {
      worker.ready = false;
      if (closing) return;
      tellRunning();
      if (worker.awayMs === undefined) ended.push(`exit ${signal ?? code}`);
      await new Promise((resolve) => setTimeout(resolve, worker.awayMs ?? 1_000));
      if (!closing) start(worker);
    });
    return worker;
  }

  function tellRunning(): void {
    onRunning(workers.filter(({ ready }) => ready).length);
  }

  return {
    workers,
    ended,
    async kill(worker, awayMs) {
      const { child, inHand } = worker;
      Object.assign(worker, { awayMs, ready: false });
      await child.kill();
      return [...inHand];
    },
    async close() {
      closing = true;
      await Promise.all(workers.map(({ child }) => child.kill()));
    },
  };
}

interface Mutable extends FleetWorker {
  child: Child<WorkerMessage, WorkerOrder>;
  id: string | undefined;
  ready: boolean;
  inHand: Set<string>;
  awayMs: number | undefined;
}
