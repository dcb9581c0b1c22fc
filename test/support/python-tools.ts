/**
 * Python programs that tests use, pinned in a requirements file, installed into an environment of the project's own under
 * .sluice. Where the package index cannot be reached the test is skipped and says so.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { waitForLock } from '@sluice/embedded';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const home = join(root, '.sluice');
const python = join(home, 'venv', 'bin', 'python');
/** What pip says when the index does not answer. */
const UNREACHABLE =
  /Failed to establish a new connection|Temporary failure in name resolution|timed out|No matching distribution|Could not find a version|Network is unreachable|Connection refused/;

/** The folder of the environment's programs, or why there is none. Throws when pip fails for another reason. */
export async function pythonTools(
  name: string,
  requirements: string,
): Promise<{ bin: string } | { unreachable: string }> {
  const venv = join(home, `venv-${name}`);
  const path = resolve(root, requirements);
  const wanted = createHash('sha256').update(readFileSync(path)).digest('hex');
  const stamp = join(venv, 'installed');
  const lock = await waitForLock(`${venv}.lock`);
  try {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { bin: join(venv, 'bin') };
    await run(python, ['-m', 'venv', '--clear', venv]);
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--timeout',
      '20',
      '--only-binary',
      ':all:',
    ];
    await run(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', ...options, '-r', path]);
    writeFileSync(stamp, wanted);
    return { bin: join(venv, 'bin') };
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    if (!UNREACHABLE.test(stderr)) throw error;
    return { unreachable: `the Python package index cannot be reached, so ${requirements} is not installed` };
  } finally {
    lock.release();
  }
}
