/**
 * The embedded queue: Valkey on loopback with noeviction and an AOF that is on disk before an answer goes out, as accepted-is-kept asks for. Its password is in a
 * configuration file of mode 0600, never on the command line, where every user of the machine could read it.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SluiceError, systemClock } from '@sluice/core';
import type { ServerProgram } from './supervised-server.ts';

export async function prepareValkey({
  home,
  binary,
  port,
  password,
}: {
  home: string;
  binary: string;
  port: number;
  password: string;
}): Promise<ServerProgram> {
  const data = join(home, 'data', 'valkey');
  const config = join(home, 'config', 'valkey.conf');
  await mkdir(data, { recursive: true });
  await mkdir(join(home, 'config'), { recursive: true, mode: 0o700 });
  await writeFile(config, configuration({ port, password, data }), { mode: 0o600 });
  return {
    name: 'valkey',
    command: binary,
    args: [config],
    cwd: data,
    log: join(home, 'logs', 'valkey.log'),
    waitUntilReady: (signal) => waitForPong({ port, password, signal }),
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 10_000,
  };
}

export function valkeyUrl({ port, password }: { port: number; password: string }): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}

function configuration({ port, password, data }: { port: number; password: string; data: string }): string {
  return `bind 127.0.0.1
port ${port}
requirepass ${password}
dir ${quoted(data)}
appendonly yes
appendfsync always
save ""
maxmemory 1gb
maxmemory-policy noeviction
daemonize no
`;
}

/** Valkey reads double-quoted values with backslash escapes. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Resolves when the server answers PING: the AOF is loaded then. Refusals while it starts or loads are waited out. */
async function waitForPong({
  port,
  password,
  signal,
}: {
  port: number;
  password: string;
  signal: AbortSignal;
}): Promise<void> {
  while (!signal.aborted) {
    const reply = await ask(port, `AUTH ${password}\r\nPING\r\n`);
    if (reply.startsWith('+OK') && reply.includes('+PONG')) return;
    if (reply.startsWith('-WRONGPASS')) {
      throw new SluiceError('setup_failed', {
        message: 'Another server answers on the port of Valkey',
        where: `127.0.0.1:${port}`,
      });
    }
    await systemClock.sleep(50, signal);
  }
}

/** What comes back within two seconds; '' when nobody listens. */
function ask(port: number, question: string): Promise<string> {
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(question));
    const finish = () => {
      socket.destroy();
      resolve(reply);
    };
    socket.setTimeout(2_000, finish);
    socket.on('error', finish).on('close', finish);
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1');
      if (reply.split('\r\n').length > 2) finish();
    });
  });
}
