/** The examples of embedding classes: each is installed as its own files say, and its own tests run against `sluice engine`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentPython } from './environment.ts';
import { root } from './layouts.ts';

export interface ClientExample {
  name: string;
  /** Folder under examples. */
  folder: string;
  /** Installs what it needs and says how its tests are run. */
  prepare(folder: string): Promise<Command>;
}

type Command = readonly [program: string, ...args: string[]];

export interface ClientOutcome {
  client: string;
  passed: boolean;
  note?: string;
}

const npm =
  (...options: string[]): ClientExample['prepare'] =>
  async (folder) => {
    await run(folder, ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', ...options]);
    return ['npm', 'test'];
  };

const python: ClientExample['prepare'] = async (folder) => {
  const wanted = await readFile(join(folder, 'requirements.txt'), 'utf8');
  return [await environmentPython({ packages: wanted.trim().split('\n') }), '-m', 'unittest'];
};

export const clientExamples: readonly ClientExample[] = [
  // Its peers are every service that it knows.
  { name: 'langchain', folder: 'langchain', prepare: npm('--omit=peer') },
  { name: 'llamaindex', folder: 'llamaindex', prepare: npm() },
  { name: 'python', folder: 'python-embeddings', prepare: python },
];

export async function tryClient({ name, folder, prepare }: ClientExample): Promise<ClientOutcome> {
  const cwd = join(root, 'examples', folder);
  try {
    await run(cwd, await prepare(cwd));
    return { client: name, passed: true };
  } catch (error) {
    return { client: name, passed: false, note: error instanceof Error ? error.message : String(error) };
  }
}

async function run(cwd: string, [program, ...args]: Command): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}
