/**
 * The embedded stack as its users meet it: it comes back with the same data, ports and passwords, survives the death of its
 * servers, leaves nothing behind when its own process dies, and refuses to run twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { isSameProcess, readStack, type Stack, type StackOptions, type StackState, startStack } from '@sluice/embedded';
import { connectStore } from '@sluice/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testKey, testRow, testSpace } from '../store/rows.ts';
import { programs } from '../support/stack-setup.ts';

let home: string;
let running: Stack[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-test-'));
});
afterEach(async () => {
  await Promise.all(running.map((stack) => stack.stop()));
  running = [];
  await rm(home, { recursive: true, force: true });
});

async function start(options: Partial<StackOptions> = {}): Promise<Stack> {
  const needs = { queue: true, store: false };
  const stack = await startStack({ home, programs, needs, logger: silentLogger, stopTimeoutMs: 2_000, ...options });
  running.push(stack);
  return stack;
}

/** One command, answered as RESP text. */
function ask(url: string, command: string): Promise<string> {
  const { port, password } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(`AUTH ${password}\r\n${command}\r\nQUIT\r\n`));
    let reply = '';
    socket.on('data', (bytes) => (reply += bytes)).on('error', reject);
    socket.on('close', () => resolve(reply.replace('+OK\r\n', '').replace(/\+OK\r\n$/, '')));
  });
}

const alive = (state: StackState) => state.servers.filter(isSameProcess).map(({ name }) => name);

test('Valkey keeps what it acknowledged, is durable by configuration, and asks for its password', async () => {
  const first = await start();
  const url = first.state.redisUrl!;
  expect(await ask(url, 'CONFIG GET maxmemory-policy')).toContain('noeviction');
  expect(await ask(url, 'CONFIG GET appendonly')).toContain('yes');
  expect(await ask(url, 'CONFIG GET bind')).toContain('127.0.0.1');
  expect(await ask(url.replace(/:[^:@]+@/, ':wrong@'), 'PING')).toContain('NOAUTH');
  await ask(url, 'SET kept yes');
  await first.stop();
  expect(alive(first.state)).toEqual([]);
  expect(await readStack(home)).toBeUndefined();

  const second = await start();
  expect(second.state.redisUrl).toBe(url);
  expect(await ask(url, 'GET kept')).toContain('yes');
});

test('passwords are readable by their owner alone, and on no command line', async () => {
  const { state } = await start();
  const { password } = new URL(state.redisUrl!);
  for (const file of ['stack.json', 'config/valkey.conf']) {
    expect((await stat(join(home, file))).mode & 0o077, file).toBe(0);
  }
  if (process.platform === 'linux') {
    expect(await readFile(`/proc/${state.servers[0]!.pid}/cmdline`, 'utf8')).not.toContain(password);
  }
});

test('a second start for the same home is refused; another home works beside it', async () => {
  const { state } = await start();
  await expect(start()).rejects.toMatchObject({ code: 'stack_running', got: `process ${process.pid}` });
  expect(await readStack(home)).toMatchObject({ redisUrl: state.redisUrl, startedBy: process.pid });
  const other = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const beside = await start({ home: other });
  expect(beside.state.redisUrl).not.toBe(state.redisUrl);
  await beside.stop();
  await rm(other, { recursive: true, force: true });
});

test('a port that was asked for and is taken is refused; a remembered one that is taken is chosen anew', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  await expect(start({ ports: { queue: port } })).rejects.toMatchObject({
    code: 'port_taken',
    where: `127.0.0.1:${port}`,
  });
  await new Promise((resolve) => taken.close(resolve));

  const first = await start();
  const before = Number(new URL(first.state.redisUrl!).port);
  await first.stop();
  await new Promise<void>((resolve) => taken.listen(before, '127.0.0.1', resolve));
  const second = await start();
  expect(Number(new URL(second.state.redisUrl!).port)).not.toBe(before);
  await new Promise((resolve) => taken.close(resolve));
});

test('a server that is killed is started again on the same address', async () => {
  const { state } = await start();
  const before = state.servers[0]!;
  process.kill(before.pid, 'SIGKILL');
  await vi.waitFor(
    async () => {
      expect((await readStack(home))!.servers[0]!.pid).not.toBe(before.pid);
      expect(await ask(state.redisUrl!, 'PING')).toContain('PONG');
    },
    { timeout: 20_000, interval: 100 },
  );
});

test('a program that is not installed is said plainly, and leaves nothing running and no lock', async () => {
  await expect(start({ programs: join(home, 'nothing') })).rejects.toMatchObject({
    code: 'setup_failed',
    fix: expect.stringContaining('npm start'),
  });
  await start();
});

test('giving up while it starts stops what was started, and the next start works', async () => {
  const giveUp = new AbortController();
  const reason = new Error('Ctrl-C');
  const starting = start({
    needs: { queue: true, store: true },
    signal: giveUp.signal,
    onProgress: (text) => text.startsWith('starting') && setImmediate(() => giveUp.abort(reason)),
  });
  await expect(starting).rejects.toBe(reason);
  const file = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')) as { last: StackState };
  expect(alive(file.last)).toEqual([]);
  await start();
});

/** Starts a stack in a process of its own and resolves with it once the stack is ready. */
async function startElsewhere(needs: StackOptions['needs']): Promise<ChildProcess> {
  const script = `
    import { startStack } from '@sluice/embedded';
    import { silentLogger } from '@sluice/core';
    await startStack({ ...JSON.parse(process.argv[1]), logger: silentLogger });
    console.log('ready');
    setInterval(() => undefined, 1000);`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, JSON.stringify({ home, programs, needs })],
    {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout!.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`exited with ${code}`)));
  });
  return child;
}

test('when the process that started it is killed nothing is left, and the next start has every acknowledged row', async () => {
  const starter = await startElsewhere({ queue: true, store: true });
  const state = (await readStack(home))!;
  expect(alive(state).sort()).toEqual(['milvus', 'valkey']);
  expect(state.openPorts.map(({ name }) => name)).toContain('milvus proxy');

  const line = 'crash';
  const store = await connectStore({ ...state.milvus!, logger: silentLogger });
  const { info } = await store.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  let acknowledged = 0;
  const writing = (async () => {
    for (let batch = 0; ; batch++) {
      const rows = Array.from({ length: 20 }, (_, i) =>
        testRow({ line, id: 'doc', revision: '7', ordinal: batch * 20 + i, of: 1 }),
      );
      await store.upsert(info.collection, rows);
      acknowledged = (batch + 1) * 20;
      if (acknowledged === 200) starter.kill('SIGKILL');
    }
  })();
  await expect(writing).rejects.toMatchObject({ verdict: 'retry' });
  await store.close();
  await vi.waitFor(() => expect(alive(state)).toEqual([]), { timeout: 15_000, interval: 100 });
  expect(await readStack(home)).toBeUndefined();

  const again = await start({ needs: { queue: true, store: true } });
  expect(again.state.milvus).toEqual(state.milvus);
  const reader = await connectStore({ ...again.state.milvus!, logger: silentLogger });
  const opened = await reader.openLine({ line, space: testSpace(), cut: 'aaaaaaaa' });
  expect(opened).toMatchObject({ created: false, info: { epoch: info.epoch } });
  const rows = await reader.rowsOf(info.collection, testKey(line, 'doc'));
  expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
  expect(rows.map(({ ordinal }) => ordinal)).toEqual(rows.map((_, index) => index));

  // The supervisor brings Milvus back under a client that keeps its connection.
  process.kill(again.state.servers.find(({ name }) => name === 'milvus')!.pid, 'SIGKILL');
  await vi.waitFor(async () => expect(await reader.countRows(info.collection)).toBe(rows.length), {
    timeout: 60_000,
    interval: 500,
  });
  await reader.close();
});
