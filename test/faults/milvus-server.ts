/**
 * A real Milvus that a fault run owns and kills: the embedded one's program and configuration (session lease 8 s, old sessions
 * forgotten at the start), but nobody starts it again unasked.
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
  /** SIGKILL to the whole process group; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it on the same ports and data; resolves when it answers a Strong query. Milliseconds that took. */
  restart(): Promise<number>;
  freeze(): void;
  thaw(): void;
}

const READY_MS = 240_000;
/** Ends the group when the pipe that only this process holds is closed, however this process ends. */
const GUARD = 'cat >/dev/null; kill -KILL -"$1" 2>/dev/null';

/** Resolves when it answers. */
export async function startMilvusServer(home: string): Promise<MilvusServer> {
  const ports = await choosePorts(MILVUS_PORTS);
  const login = { address: `127.0.0.1:${ports.proxy}`, username: 'root', password: 'fault-run' };
  const found = await findMilvus(programs, () => undefined);
  const program = await prepareMilvus({ home, program: found, ports, login });
  let server: ChildProcess;

  async function run(): Promise<number> {
    const startedAt = performance.now();
    await mkdir(dirname(program.log), { recursive: true });
    const log = openSync(program.log, 'a', 0o600);
    server = spawn(program.command, program.args, {
      cwd: program.cwd,
      env: { ...process.env, ...program.env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const guard = spawn('/bin/sh', ['-c', GUARD, 'fault-guard', String(server.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guard.stdin.on('error', () => undefined);
    server.once('exit', () => guard.kill('SIGKILL'));
    const giveUp = new AbortController();
    const deadline = setTimeout(() => giveUp.abort(), READY_MS);
    const died = once(server, 'exit', { signal: giveUp.signal }).catch(() => undefined);
    await Promise.race([program.waitUntilReady(giveUp.signal), died]);
    const ended = server.exitCode !== null || server.signalCode !== null;
    const late = giveUp.signal.aborted;
    clearTimeout(deadline);
    giveUp.abort();
    if (ended || late) throw new Error(`Milvus ${ended ? 'ended' : 'did not answer'}; its log is ${program.log}`);
    return performance.now() - startedAt;
  }

  await run();
  return {
    ...login,
    get pid() {
      return server.pid!;
    },
    async kill() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const gone = once(server, 'exit');
      process.kill(-server.pid!, 'SIGKILL');
      await gone;
    },
    restart: run,
    freeze: () => void process.kill(-server.pid!, 'SIGSTOP'),
    thaw: () => void process.kill(-server.pid!, 'SIGCONT'),
  };
}
