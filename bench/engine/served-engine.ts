/** `sluice engine` in a process of its own, as a user starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { nodeFlags } from '@sluice/cli/node-flags';

const main = join(import.meta.dirname, '../../apps/cli/src/main.ts');

export interface ServedEngine extends AsyncDisposable {
  url: string;
}

/** Resolves when it is ready. Throws with what it said when it ends before. */
export async function serveEngineProcess(args: readonly string[]): Promise<ServedEngine> {
  const child = spawn(process.execPath, [...nodeFlags, main, 'engine', ...args, '--port', '0', '--json'], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const said = text(child.stderr);
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
    exited.then(async () => Promise.reject(new Error((await said).trim()))),
  ]);
  exited.catch(() => undefined);
  return {
    url: (JSON.parse(line) as { url: string }).url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
