/**
 * Runs the engines that can run on this machine with jina-v3-tiny and writes the table of docs/engines.md.
 *
 *   npm run test:engines [-- NAME…] [--json]
 *
 * Each engine gets an environment of its own under .sluice/engines (Python 3.11 as `python3.11`, or SLUICE_ENGINE_PYTHON). NAME
 * selects those whose name starts with it. Exit code 1 when an engine that claims to be right is not near its golden vectors.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine, readGolden, resolveEngine } from '@sluice/embedder';
import { TINY_DIMENSION, tinyFolder } from '../support/jina-tiny-server.ts';
import { type EngineRow, engineTable } from './engine-table.ts';
import { enginesPage, type Measured, measureEngine } from './measure.ts';

const RIGHT = 0.9999;
const READY_MS = 300_000;
const root = fileURLToPath(new URL('../../', import.meta.url));
const environments = join(root, '.sluice', 'engines');
const page = join(root, 'docs', 'engines.md');
const run = promisify(execFile);

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = engineTable.filter(
  ({ name }) => positionals.length === 0 || positionals.some((one) => name.startsWith(one)),
);
const golden = await readGolden(join(tinyFolder, 'golden.json'));
const rows: Measured[] = [];
for (const row of chosen) {
  if (!values.json) console.error(`${row.name} …`);
  const measured = await measure(row).catch((error: unknown) => absent(row, error));
  rows.push(measured);
  console.log(
    values.json
      ? JSON.stringify(measured)
      : `${measured.engine}: ${measured.verdict} ${measured.code ?? ''} passage ${measured.passage}`,
  );
}
if (positionals.length === 0) {
  const machine = `${cpus()[0]?.model ?? 'an unknown processor'}, ${availableParallelism()} cores, no GPU, Node ${process.version}`;
  await writeFile(page, await enginesPage(page, rows, machine));
}
const wrong = rows.filter(({ verdict, passage }) => verdict === 'right' && !(passage !== null && passage >= RIGHT));
process.exitCode = wrong.length > 0 ? 1 : 0;

async function measure(row: EngineRow): Promise<Measured> {
  await using server = await start(row);
  const values = {
    SLUICE_ENGINE: row.profile,
    SLUICE_MODEL: 'jina-v3-tiny',
    SLUICE_FULL_DIMENSION: String(TINY_DIMENSION),
    ...(server.url !== undefined && { SLUICE_ENGINE_URL: server.url }),
    ...row.settings,
  };
  const { config } = loadConfig([{ name: row.name, values }]);
  const engine = await createEngine(config, { logger: silentLogger });
  try {
    return await measureEngine(row.name, engine, resolveEngine(config), golden);
  } finally {
    await engine.close();
  }
}

interface Started extends AsyncDisposable {
  url: string | undefined;
}

async function start(row: EngineRow): Promise<Started> {
  if (row.start === undefined) return { url: undefined, [Symbol.asyncDispose]: async () => {} };
  const port = await freePort();
  const python = await environment(row.packages);
  const folder = join(environments, 'served', row.name.replace(/\W+/g, '-'));
  const { command, args, cwd, env } = await row.start({ python, folder, port });
  const child = spawn(command, args, {
    cwd: cwd ?? root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (piece: Buffer) => {
    log = (log + piece.toString()).slice(-2_000);
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(child, `${url}${row.health ?? '/health'}`, () => log);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const stubborn = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(stubborn);
    },
  };
}

async function ready(child: ChildProcess, url: string, log: () => string): Promise<void> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(500);
  }
  throw new Error(`not ready within ${READY_MS / 1_000} s: ${log()}`);
}

/** An environment for this set of packages, made once; its Python. */
async function environment(packages: readonly string[]): Promise<string> {
  const name = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12);
  const folder = join(environments, name);
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'installed');
  if (
    await access(done).then(
      () => true,
      () => false,
    )
  )
    return python;
  await mkdir(environments, { recursive: true });
  await run(process.env.SLUICE_ENGINE_PYTHON ?? 'python3.11', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...packages], { maxBuffer: 64 * 1024 * 1024 });
  await writeFile(done, `${packages.join('\n')}\n`);
  return python;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function absent(row: EngineRow, error: unknown): Measured {
  const note = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return {
    engine: row.name,
    verdict: 'absent',
    passage: null,
    query: null,
    none: null,
    batchInvariance: null,
    overLong: 'not asked',
    base64: false,
    rowsPerSecond: null,
    note: note.slice(0, 200),
  };
}
