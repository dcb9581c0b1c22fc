/** The examples of embedding classes: each is installed where it lies, from its own lock file, and its own tests run against `sluice engine`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './layouts.ts';

export interface ClientExample {
  name: string;
  /** Folder under examples. */
  folder: string;
  install: readonly string[];
}

export const clientExamples: readonly ClientExample[] = [
  // Its peers are every service that it knows.
  { name: 'langchain', folder: 'langchain', install: ['ci', '--omit=peer', '--ignore-scripts'] },
  { name: 'llamaindex', folder: 'llamaindex', install: ['ci', '--ignore-scripts'] },
];

export interface ClientOutcome {
  client: string;
  passed: boolean;
  note?: string;
}

export async function tryClient({ name, folder, install }: ClientExample): Promise<ClientOutcome> {
  const cwd = join(root, 'examples', folder);
  for (const [step, args] of [
    ['install', [...install, '--no-audit', '--no-fund']],
    ['test', ['test']],
  ] as const) {
    const npm = spawn('npm', args, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
    const [code] = (await once(npm, 'exit')) as [number | null];
    if (code !== 0) return { client: name, passed: false, note: `npm ${step} ended with ${code}` };
  }
  return { client: name, passed: true };
}
