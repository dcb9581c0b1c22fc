/**
 * docs/real-gpu.md from its engine on, as written: the toy model stands in for the weights, a local server for the hub, a CPU for the
 * card and another port for 8080. What needs a card or Docker (`console setup`, `console docker`) is not run, only compared.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSluice } from '../e2e/sluice.ts';
import { HUB_COMMIT, type HubServer, startHubServer } from '../support/hub-server.ts';
import { tinyFolder } from '../support/jina-tiny-server.ts';

const project = resolve(import.meta.dirname, '../..');
const page = await readFile(join(project, 'docs/real-gpu.md'), 'utf8');
const blocks = Object.fromEntries(
  [...page.matchAll(/^```console (\w+)\n(.*?)^```/gms)].map(([, name, commands]) => [name!, commands!]),
);

let folder: string;
let hub: HubServer;
let engine: ChildProcess;
let port: number;
let log = '';
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-gpu-'));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'corpus'));
  const npx = join(folder, 'bin', 'npx');
  const main = join(project, 'apps/cli/src/main.ts');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`);
  await chmod(npx, 0o755);
  await writeFile(
    join(folder, 'corpus', 'first.md'),
    '# First\n\nThe first document says that the gate feeds the mill.\n',
  );
  for (let i = 0; i < 12; i++)
    await writeFile(join(folder, 'corpus', `${i}.md`), `# Note ${i}\n\nLot ${i} of ${7 * i} sacks.\n`);
  hub = await startHubServer(tinyFolder, 'cc-by-nc-4.0');
  port = await freePort();
  env = {
    ...process.env,
    ...createSluice('test-real-gpu').env,
    HOME: folder,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    SLUICE_HOME: join(folder, '.sluice'),
    SLUICE_HUB_URL: hub.url,
    // What differs between the toy and the real model.
    SLUICE_FULL_DIMENSION: '64',
    SLUICE_TOKENIZER: join(tinyFolder, 'tokenizer.json'),
  };
});

afterAll(async () => {
  if (engine?.exitCode === null) engine.kill('SIGKILL');
  await hub?.close();
  await rm(folder, { recursive: true, force: true });
});

const here = (commands: string) =>
  commands.replaceAll('--device cuda', '--device cpu').replaceAll('8080', String(port));

test('the engine downloads the model, shows its licence and is ready', async () => {
  engine = spawn('sh', ['-c', `exec ${here(blocks.engine!).trim()}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  engine.stderr!.on('data', (piece: Buffer) => {
    log += piece.toString();
  });
  await expect.poll(() => log, { timeout: 60_000 }).toContain(`SLUICE_MODEL_REVISION=${HUB_COMMIT} sluice doctor`);
  expect(log).toMatch(/downloading onnx\/model\.onnx_data: .* of 910 kB/);
  // The licence as a person reads it when the engine is ready, and the page before that.
  expect(log).toMatch(/^ {2}licence {4}cc-by-nc-4\.0, of the weights$/m);
  expect(page).toContain('The weights are CC-BY-NC-4.0: commercial use needs a licence from Jina AI.');
});

test('the settings, doctor, the first vectors and the bulk run work as written', async () => {
  const commands = here(`${blocks.settings}${blocks.check}${blocks.bulk}`);
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', commands], { cwd: folder, env });
  expect(stdout).toMatch(/OK\s+engine\s+verdict\s+right/);
  expect(stdout).toContain('All is well.');
  expect(stdout).toContain('the gate feeds the mill');
  const golden = JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')) as Record<string, unknown>;
  expect(golden).toMatchObject({ model: 'jinaai/jina-embeddings-v3', revision: HUB_COMMIT, dimension: 64 });
  expect(stdout).toMatch(/64\s+1\.000\s+256 MB\s+stored now/);
}, 240_000);

test('Ctrl-C ends the engine', async () => {
  const gone = once(engine, 'exit');
  engine.kill('SIGINT');
  expect(await gone).toEqual([0, null]);
});

test('what cannot be run here names files and versions that are there', async () => {
  const script = /node (\S+install\.js)/.exec(blocks.setup!)![1]!;
  await expect(readFile(join(project, script), 'utf8')).resolves.toContain('cuda12');
  const compose = /-f (\S+)/.exec(blocks.docker!)![1]!;
  const command = /command:\s*(\[[^\]]*\])/.exec(await readFile(join(project, compose), 'utf8'))![1]!;
  // The same engine, open to the port mapping.
  const expected = blocks.engine!.trim().split(' ').slice(2);
  expect(JSON.parse(command)).toEqual([...expected, '--host', '0.0.0.0']);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port: free } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return free;
}
