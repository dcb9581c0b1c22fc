/** Python environments of their own for the engines: made once, named after what is in them, with pip's progress on standard error. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './engine-row.ts';
import { engineHome } from './layouts.ts';

const run = promisify(execFile);

/** Its Python. A making that was interrupted begins anew. */
export async function environmentPython({ packages, finish }: Environment): Promise<string> {
  const contents = [...packages, ...(finish === undefined ? [] : [finish.toString()])].join('\n');
  const folder = join(engineHome, createHash('sha256').update(contents).digest('hex').slice(0, 12));
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'installed');
  if (await exists(done)) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(engineHome, { recursive: true });
  await run(process.env.SLUICE_ENGINE_PYTHON ?? 'python3.11', ['-m', 'venv', folder]);
  const pip = spawn(python, ['-m', 'pip', 'install', ...packages], {
    stdio: ['ignore', process.stderr, process.stderr],
  });
  const [code] = (await once(pip, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`pip ended with ${code} while it installed ${packages.join(' ')}`);
  await finish?.(python, folder);
  await writeFile(done, `${packages.join('\n')}\n`);
  return python;
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
