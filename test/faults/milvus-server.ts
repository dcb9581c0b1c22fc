/**
 * A real Milvus that a fault run owns and kills: the embedded one's program and configuration (session lease 8 s, old sessions
 * forgotten at the start). It is supervised as it would be elsewhere: started again when it ends by itself or does not answer in
 * time. What the run did to it is not counted; how often its supervisor had to start it again, and why, is.
 *
 * States: **down** (killed, nobody starts it) → **starting** → **answering**; one that ends unasked is started again at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { choosePorts, findMilvus, MILVUS_PORTS, prepareMilvus } from '@sluice/embedded';
import { programs } from '../support/stack-setup.ts';

export interface MilvusServer {
  address: string;
  username: string;
  password: string;
  readonly pid: number;
  /** Why its supervisor had to start it again, each time. */
  readonly startedAgain: readonly string[];
  /** SIGKILL to the whole process group; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it on the same ports and data; resolves when it answers a Strong query. Milliseconds that took. */
  restart(): Promise<number>;
  freeze(): void;
  /** Goes on; resolves when it answers a Strong query. Milliseconds that took. */
  thaw(): Promise<number>;
}

/** A start takes 16–70 s; one that lasts so long is given up by a supervisor that asks for health. */
const READY_MS = 180_000;
const STARTS = 4;
const SILENT = `did not answer within ${READY_MS / 1_000} s`;
/** Ends the group when the pipe that only this process holds is closed, however this process ends. */
const GUARD = 'cat >/dev/null; kill -KILL -"$1" 2>/dev/null';

/** Resolves when it answers. */
export async function startMilvusServer(home: string): Promise<MilvusServer> {
  const ports = await choosePorts(MILVUS_PORTS);
  const login = { address: `127.0.0.1:${ports.proxy}`, username: 'root', password: 'fault-run' };
  const found = await findMilvus(programs, () => undefined);
  const program = await prepareMilvus({ home, program: found, ports, login });
  const startedAgain: string[] = [];
  let wanted = false;
  /** Why it is about to be ended by its supervisor. */
  let reason: string | undefined;
  let server: ChildProcess;
  /** Pending while it starts, rejected when it does not come. */
  let answering: Promise<void>;

  async function launch(): Promise<void> {
    await mkdir(dirname(program.log), { recursive: true });
    const log = openSync(program.log, 'a', 0o600);
    const launched = spawn(program.command, program.args, {
      cwd: program.cwd,
      env: { ...process.env, ...program.env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    server = launched;
    const guard = spawn('/bin/sh', ['-c', GUARD, 'fault-guard', String(launched.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guard.stdin.on('error', () => undefined);
    launched.once('exit', () => guard.kill('SIGKILL'));
  }

  /** How it came out: it answers, it ended before, or it was silent for too long. */
  async function awaitReady(): Promise<'answers' | 'ended' | 'silent'> {
    const started = server;
    const giveUp = new AbortController();
    const deadline = setTimeout(() => giveUp.abort(), READY_MS);
    const died = once(started, 'exit', { signal: giveUp.signal }).catch(() => undefined);
    await Promise.race([program.waitUntilReady(giveUp.signal).catch(() => undefined), hasEnded(started) || died]);
    const silent = giveUp.signal.aborted;
    clearTimeout(deadline);
    giveUp.abort();
    if (hasEnded(started)) return 'ended';
    return silent ? 'silent' : 'answers';
  }

  async function start(): Promise<void> {
    wanted = true;
    await launch();
    await untilAnswers();
    superviseFrom(server);
  }

  async function untilAnswers(): Promise<void> {
    for (let starts = 1; wanted; starts += 1) {
      const outcome = await awaitReady();
      if (outcome === 'answers' || !wanted) return;
      if (starts === STARTS) throw new Error(`Milvus ${outcome} ${STARTS} times; its log is ${program.log}`);
      startedAgain.push(outcome === 'ended' ? howItEnded(server) : SILENT);
      await end();
      await launch();
    }
  }

  /** From here on an end that nobody asked for is answered with a start. */
  function superviseFrom(running: ChildProcess): void {
    const again = (): void => {
      if (!wanted || server !== running) return;
      startedAgain.push(reason ?? howItEnded(running));
      reason = undefined;
      answering = start();
      answering.catch(() => undefined);
    };
    if (hasEnded(running)) again();
    else running.once('exit', again);
  }

  async function end(): Promise<void> {
    if (hasEnded(server)) return;
    const gone = once(server, 'exit');
    process.kill(-server.pid!, 'SIGKILL');
    await gone;
  }

  async function measured(act: () => Promise<void>): Promise<number> {
    const startedAt = performance.now();
    await act();
    return performance.now() - startedAt;
  }

  answering = start();
  await answering;
  return {
    ...login,
    get pid() {
      return server.pid!;
    },
    startedAgain,
    async kill() {
      wanted = false;
      await end();
      await answering.catch(() => undefined);
      await end();
    },
    restart() {
      answering = start();
      return measured(() => answering);
    },
    freeze: () => void process.kill(-server.pid!, 'SIGSTOP'),
    thaw() {
      process.kill(-server.pid!, 'SIGCONT');
      return measured(async () => {
        const outcome = await awaitReady();
        if (outcome === 'answers') return;
        if (outcome === 'silent') {
          reason = SILENT;
          await end();
        }
        await answering;
      });
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function howItEnded({ exitCode, signalCode }: ChildProcess): string {
  return `ended by itself (${signalCode ?? `exit code ${exitCode}`})`;
}
