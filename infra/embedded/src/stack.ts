/**
 * The embedded stack of one home: Valkey and Milvus as real servers, started, supervised and stopped by one process.
 *
 * One process at a time (a lock on the home). What is started is recorded before it is waited for, so that the next start
 * finds what a crash left. Several homes work side by side and may share one `programs` folder.
 */
import { join } from 'node:path';
import { createReleaser, type Logger, SluiceError } from '@sluice/core';
import { tryLock } from './file-lock.mjs';
import { prepareMilvus } from './milvus.ts';
import { MILVUS_PORTS, openMilvusPorts } from './milvus-config.ts';
import { prepareMilvusLite } from './milvus-lite.ts';
import { assertSupported } from './platform.ts';
import { choosePorts } from './ports.ts';
import { processIdentity } from './process-identity.mjs';
import { findMilvus, findMilvusLite, findValkey, milvusKindOf } from './programs.ts';
import {
  type MilvusKind,
  newStackFile,
  readStackFile,
  type ServerRecord,
  type StackState,
  toState,
  writeStackFile,
} from './stack-state.ts';
import { endStrays } from './strays.ts';
import { type ServerProgram, startServer } from './supervised-server.ts';
import { prepareValkey, valkeyUrl } from './valkey.ts';

export interface StackOptions {
  /** Folder for data, logs, configuration, ports and passwords: `.sluice`. */
  home: string;
  /** Folder with the installed programs; several homes may share one. Default: `home`. */
  programs?: string;
  /** What to start: everything that no setting names. */
  needs: { queue: boolean; store: boolean };
  logger: Logger;
  /** Told what is being waited for, in a few words. */
  onProgress?: (text: string) => void;
  /** Ports that are asked for; the others are chosen free. A taken one is refused. */
  ports?: { queue?: number; store?: number };
  /** Gives up starting: what was started is stopped again, and the signal's reason is thrown. */
  signal?: AbortSignal;
  /** How long a server may take to stop by itself before it is killed. Default: each server's own. */
  stopTimeoutMs?: number;
  /** Default: the real server where the platform has one. */
  milvusKind?: MilvusKind;
}

export interface Stack {
  /** As it is now: the pids change when a server is restarted. */
  readonly state: StackState;
  /** Stops every server, in parallel. Every caller gets the same promise. */
  stop(): Promise<void>;
  /** Resolves when a server keeps exiting and is not started again. */
  readonly exited: Promise<{ what: string; code: number | null }>;
}

/**
 * Starts what is needed and resolves when all of it answers. Throws `stack_running` (another process runs this home's
 * stack), `unsupported_platform`, `port_taken`, or `setup_failed` with the log to read; nothing is left running then.
 */
export async function startStack({
  home,
  programs = home,
  needs,
  logger,
  onProgress = () => undefined,
  ports = {},
  signal,
  stopTimeoutMs,
  milvusKind = milvusKindOf(),
}: StackOptions): Promise<Stack> {
  assertSupported(needs);
  const lock = tryLock(join(home, 'stack.lock'));
  if ('heldBy' in lock) {
    throw new SluiceError('stack_running', {
      message: 'Another process runs the embedded stack of this folder',
      where: home,
      got: `process ${lock.heldBy.pid}`,
    });
  }
  const releaser = createReleaser({ deadlineMs: 30_000 });
  releaser.push('lock', () => lock.release());
  try {
    return await startUnderLock();
  } catch (error) {
    await releaser.release();
    throw error;
  }

  async function startUnderLock(): Promise<Stack> {
    const file = (await readStackFile(home)) ?? newStackFile();
    await endStrays(file.last?.servers ?? [], { logger });

    const chosen = await choosePorts(['valkey', ...MILVUS_PORTS] as const, {
      remembered: file.ports,
      wanted: { valkey: ports.queue, proxy: ports.store },
    });
    file.ports = chosen;
    const login = {
      address: `127.0.0.1:${chosen.proxy}`,
      username: milvusKind === 'milvus' ? 'root' : '',
      password: milvusKind === 'milvus' ? file.passwords.milvus : '',
    };
    const queue = { port: chosen.valkey, password: file.passwords.valkey };
    const last: NonNullable<typeof file.last> = {
      ...(needs.queue && { redisUrl: valkeyUrl(queue) }),
      ...(needs.store && { milvus: login, milvusKind }),
      startedBy: process.pid,
      startedByIdentity: processIdentity(process.pid) ?? 'gone',
      startedAt: new Date().toISOString(),
      openPorts: needs.store && milvusKind === 'milvus' ? openMilvusPorts(chosen) : [],
      servers: [],
      ready: false,
    };
    file.last = last;
    let saving = Promise.resolve();
    await save();

    const preparing: Promise<ServerProgram>[] = [];
    if (needs.queue) {
      preparing.push(findValkey(programs).then((binary) => prepareValkey({ home, binary, ...queue })));
    }
    if (needs.store && milvusKind === 'milvus') {
      preparing.push(
        findMilvus(programs, onProgress).then((program) => prepareMilvus({ home, program, ports: chosen, login })),
      );
    } else if (needs.store) {
      preparing.push(
        findMilvusLite(programs).then((command) => prepareMilvusLite({ home, command, port: chosen.proxy, login })),
      );
    }
    const programsToStart = await Promise.all(preparing);
    onProgress(`starting ${programsToStart.map(({ name }) => name).join(' and ')}`);

    // The first that fails ends the waiting for the others.
    const failing = new AbortController();
    const abandon = signal === undefined ? failing.signal : AbortSignal.any([failing.signal, signal]);
    const outcomes = await Promise.allSettled(
      programsToStart.map(async (program) => {
        const timed = stopTimeoutMs === undefined ? program : { ...program, stopTimeoutMs };
        try {
          const server = await startServer(timed, { logger, onSpawn: record, abandon });
          releaser.push(program.name, () => server.stop());
          return server;
        } catch (error) {
          failing.abort(error);
          throw error;
        }
      }),
    );
    abandon.throwIfAborted();
    const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    last.ready = true;
    await save();

    let stopping: Promise<void> | undefined;
    return {
      get state() {
        return toState(last);
      },
      exited: Promise.race(servers.map((server) => server.exited)),
      stop() {
        stopping ??= stopAll();
        return stopping;
      },
    };

    async function stopAll(): Promise<void> {
      last.ready = false;
      await save();
      await Promise.all(servers.map((server) => server.stop()));
      last.servers = [];
      await save();
      await releaser.release();
    }

    async function record(server: ServerRecord): Promise<void> {
      last.servers = [...last.servers.filter(({ name }) => name !== server.name), server];
      await save();
    }

    function save(): Promise<void> {
      saving = saving.then(() => writeStackFile(home, file));
      return saving;
    }
  }
}
