/** An engine as a process on a free port, until it is let go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineRow } from './engine-row.ts';
import { environmentPython } from './environment.ts';
import { engineHome, root } from './layouts.ts';

/** vLLM takes two minutes on two busy cores. */
const READY_MS = 420_000;

/** Throws with the end of its log when it ends or is not ready in time. */
export async function startEngine(
  row: EngineRow & Required<Pick<EngineRow, 'start'>>,
): Promise<AsyncDisposable & { url: string }> {
  const python = row.environment === undefined ? '' : await environmentPython(row.environment);
  const port = await freePort();
  const folder = join(engineHome, 'served', row.name.replace(/\W+/g, '-'));
  const { command, args, cwd, env } = await row.start({ python, folder, port });
  // A group of its own: some engines start processes that outlive a killed parent.
  const child = spawn(command, args, {
    cwd: cwd ?? root,
    env: { ...foreignEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  const keep = (piece: Buffer) => {
    log = (log + piece.toString()).slice(-4_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      log += error.message;
      resolve();
    });
  });
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  async function stop(): Promise<void> {
    signal('SIGTERM');
    const stubborn = setTimeout(() => signal('SIGKILL'), 20_000);
    await gone;
    clearTimeout(stubborn);
    signal('SIGKILL'); // whoever of its group is left
  }
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(child, `${url}${row.health ?? '/health'}`, () => log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}

/** Settings of whoever runs this are none of the engine's. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
}

async function ready(child: ChildProcess, url: string, log: () => string): Promise<void> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`it ended with ${child.exitCode}: ${log()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(500);
  }
  throw new Error(`not ready within ${READY_MS / 1_000} s: ${log()}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
