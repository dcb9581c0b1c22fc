/** What a newcomer types: `npm start` in a clone, with a home of its own. It finds documents and leaves nothing running. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isSameProcess, readStack, type StackState } from '@sluice/embedded';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended } from '../e2e/sluice.ts';

const start = resolve(import.meta.dirname, '../../scripts/start.mjs');

interface Summary {
  type: string;
  exitCode: number;
  line: string;
  documents: { read: number; stored: number; unchanged: number; rejected: number };
  searches: { query: string; hits: { rank: number; docId: string }[] }[];
}

let folder: string;
let home: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-newcomer-'));
  home = join(folder, 'home');
  await mkdir(join(folder, 'notes'));
  await writeFile(join(folder, 'notes', 'mill.md'), '# The mill\n\nThe wheel turns where the water falls.\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As npm runs it: in the project folder, with the folder in which it was typed beside. */
async function npmStart(args: string[], settings: Record<string, string> = {}) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
  const child = spawn(process.execPath, [start, ...args], {
    cwd: resolve(start, '../..'),
    env: {
      ...Object.fromEntries(clean),
      SLUICE_HOME: home,
      SLUICE_BOARD_PORT: '0',
      npm_lifecycle_event: 'start',
      INIT_CWD: folder,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  let stack: Promise<StackState | undefined> | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (stderr.includes('Ingesting')) stack ??= readStack(home);
  });
  const code = await ended(child);
  return { code, stderr, stack: await stack, last: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary };
}

/** What of the servers that ran then, and of the workers that ever did, runs still. */
async function leftOf(stack: StackState | undefined): Promise<unknown[]> {
  expect(stack!.servers.map(({ name }) => name).sort()).toEqual(['milvus', 'valkey']);
  const log = await readFile(join(home, 'logs', 'worker-demo.log'), 'utf8');
  const workers = new Set([...log.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid)));
  expect(workers.size).toBeGreaterThan(0);
  return [
    ...stack!.servers.filter(isSameProcess).map(({ name }) => name),
    ...[...workers].filter((pid) => existsSync(`/proc/${pid}`)),
  ];
}

test('npm start -- --once --json stores the example corpus, finds what answers, and leaves nothing running', async () => {
  const { code, last, stderr, stack } = await npmStart(['--once', '--json']);
  expect(code, stderr).toBe(0);
  expect(last).toMatchObject({ type: 'summary', exitCode: 0, line: 'demo', documents: { rejected: 0 } });
  expect(last.documents.stored).toBe(last.documents.read);
  expect(last.searches.map(({ hits }) => hits.length)).toEqual([3, 3]);
  expect(last.searches[1]!.hits[0]!.docId).toBe('corpus/vi/gnome-pin-kem-hon-windows.md');
  expect(await leftOf(stack)).toEqual([]);
}, 600_000);

test('npm start -- PATH takes a path from where it was typed, on the same data, and says what to type next', async () => {
  const { code, last, stderr, stack } = await npmStart(['notes', '--once', '--json']);
  expect(code, stderr).toBe(0);
  expect(last.documents).toMatchObject({ read: 1, stored: 1 });
  expect(last.searches.flatMap(({ hits }) => hits.map(({ docId }) => docId))).toContain('notes/mill.md');
  for (const typed of ['npx sluice up --line demo', 'npx sluice query --line demo', 'http://127.0.0.1:'])
    expect(stderr).toContain(typed);
  expect(await leftOf(stack)).toEqual([]);
}, 600_000);

test('a start that cannot be says so as its last line', async () => {
  const { code, last } = await npmStart(['--once', '--json'], { SLUICE_DIMENSION: 'wide' });
  expect([code, last]).toEqual([
    2,
    expect.objectContaining({ type: 'error', code: 'bad_configuration', fix: expect.any(String), exitCode: 2 }),
  ]);
});
