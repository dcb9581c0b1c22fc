/**
 * One server process, supervised.
 *
 * States: *starting* (spawned, not answering yet) → *ready* (it answered) → *restarting* (it exited by itself; spawned again
 * after a pause that grows, with full jitter) → *ready* … → *stopped* (`stop` was called) or *given up* (six exits without
 * ten quiet minutes between them; `exited` resolves).
 *
 * The server runs in a process group of its own, so that Ctrl-C in a terminal reaches us first and servers stop in order.
 * A guard, a shell that waits on a pipe which only we hold open, ends the group when this process dies without stopping it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, createBackoff, type Logger, SluiceError, systemClock } from '@sluice/core';
import { processIdentity } from './process-identity.mjs';
import type { ServerRecord } from './stack-state.ts';

export interface ServerProgram {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd: string;
  /** Output is appended here. */
  log: string;
  /** Resolves once the server does its work; rejects when waiting longer is of no use. */
  waitUntilReady(signal: AbortSignal): Promise<void>;
  readyTimeoutMs: number;
  /** How long it may take to stop by itself after SIGTERM, before SIGKILL. */
  stopTimeoutMs: number;
}

export interface SupervisedServer {
  readonly record: ServerRecord;
  stop(): Promise<void>;
  /** Resolves when the server keeps dying and is not started again; never after `stop`. */
  readonly exited: Promise<{ what: string; code: number | null }>;
}

const MAX_EXITS = 6;
const QUIET_MS = 600_000;

const GUARD = `cat >/dev/null
kill -TERM -"$1" 2>/dev/null || exit 0
n=0
while [ "$n" -lt "$2" ] && kill -0 -"$1" 2>/dev/null; do sleep 1; n=$((n + 1)); done
kill -KILL -"$1" 2>/dev/null`;

/**
 * Starts the program and resolves when it is ready. `onSpawn` is told of every new process before it is waited for, so
 * that it can be recorded. Throws `setup_failed`, naming the log, when it exits or stays silent at its first start, and the
 * reason of `abandon` when that aborts before it is ready; the process has ended then.
 */
export async function startServer(
  program: ServerProgram,
  {
    logger,
    onSpawn,
    abandon,
    clock = systemClock,
  }: { logger: Logger; onSpawn(record: ServerRecord): Promise<void>; abandon: AbortSignal; clock?: Clock },
): Promise<SupervisedServer> {
  const stopping = new AbortController();
  const backoff = createBackoff({ baseMs: 500, capMs: 15_000 });
  abandon.throwIfAborted();
  let current = await launch();
  const abandonNow = () => stopping.abort();
  abandon.addEventListener('abort', abandonNow, { once: true });
  try {
    await becomeReady(current);
    abandon.throwIfAborted();
  } catch (error) {
    await end(current);
    abandon.throwIfAborted();
    throw error;
  } finally {
    abandon.removeEventListener('abort', abandonNow);
  }
  const supervising = supervise();
  const exited = new Promise<{ what: string; code: number | null }>((resolve) => {
    supervising.then((outcome) => outcome !== undefined && resolve(outcome));
  });

  return {
    get record() {
      return current.record;
    },
    exited,
    async stop() {
      stopping.abort();
      await end(current);
      await supervising;
    },
  };

  async function supervise(): Promise<{ what: string; code: number | null } | undefined> {
    let exits = 0;
    let readySince = clock.monotonicMs();
    for (;;) {
      const code = await current.exit;
      if (stopping.signal.aborted) return undefined;
      exits = clock.monotonicMs() - readySince > QUIET_MS ? 1 : exits + 1;
      if (exits === 1) backoff.reset();
      logger.warn({ server: program.name, exitCode: code, exits, log: program.log }, 'server exited by itself');
      if (exits >= MAX_EXITS) {
        logger.error({ server: program.name, log: program.log }, 'server keeps exiting, not started again');
        return { what: program.name, code };
      }
      await clock.sleep(backoff.next(), stopping.signal);
      if (stopping.signal.aborted) return undefined;
      try {
        current = await launch();
        await becomeReady(current);
        readySince = clock.monotonicMs();
        logger.info({ server: program.name, pid: current.record.pid }, 'server is back');
      } catch (error) {
        if (stopping.signal.aborted) return undefined;
        logger.warn({ server: program.name, err: error }, 'server did not come back');
        await end(current);
      }
    }
  }

  async function launch(): Promise<RunningProcess> {
    const running = spawnGuarded(program);
    try {
      await onSpawn(running.record);
    } catch (error) {
      await end(running);
      throw error;
    }
    if (stopping.signal.aborted) await end(running);
    return running;
  }

  async function becomeReady(running: RunningProcess): Promise<void> {
    const waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, stopping.signal]);
    try {
      await Promise.race([
        program.waitUntilReady(signal),
        running.exit.then((code) => {
          throw failure(program, `${program.name} exited (${code ?? 'by a signal'}) before it was ready`);
        }),
        clock.sleep(program.readyTimeoutMs, signal).then(() => {
          throw failure(program, `${program.name} was not ready after ${program.readyTimeoutMs / 1000} s`);
        }),
      ]);
    } finally {
      waiting.abort();
    }
  }

  async function end({ child, record, exit, dismissGuard }: RunningProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      signalGroup(record.pid, 'SIGTERM');
      const waiting = new AbortController();
      await Promise.race([exit, clock.sleep(program.stopTimeoutMs, waiting.signal)]);
      waiting.abort();
      signalGroup(record.pid, 'SIGKILL');
    }
    await exit;
    dismissGuard();
  }
}

interface RunningProcess {
  child: ChildProcess;
  record: ServerRecord;
  exit: Promise<number | null>;
  dismissGuard(): void;
}

function spawnGuarded(program: ServerProgram): RunningProcess {
  mkdirSync(dirname(program.log), { recursive: true });
  mkdirSync(program.cwd, { recursive: true });
  const log = openSync(program.log, 'a', 0o600);
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: { ...process.env, ...program.env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(-1));
  });
  const pid = child.pid;
  if (pid === undefined) throw failure(program, `${program.command} cannot be run`);
  const guard = spawn(
    '/bin/sh',
    ['-c', GUARD, 'sluice-guard', String(pid), String(Math.ceil(program.stopTimeoutMs / 1000))],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  const dismissGuard = () => void (guard.pid !== undefined && signalGroup(guard.pid, 'SIGKILL'));
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  exit.then(dismissGuard);
  const identity = processIdentity(pid) ?? 'gone';
  return { child, exit, dismissGuard, record: { name: program.name, pid, identity, log: program.log } };
}

/** Sends to every process of the group; nothing happens when there is none any more. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function failure(program: ServerProgram, message: string): SluiceError {
  return new SluiceError('setup_failed', { message, where: program.log, got: lastLines(program.log) });
}

function lastLines(path: string): string | undefined {
  try {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-3);
    return lines.join(' | ').slice(-600) || undefined;
  } catch {
    return undefined;
  }
}
