/**
 * What a report was measured with. A benchmark is a process of its own, so whatever it starts or connects to notes its version here: the
 * servers of a stack, a library that is compared with.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectRedis, redisInfo } from '@sluice/queue';

const root = join(import.meta.dirname, '../..');
const noted: Record<string, string> = {};

export function noteVersion(name: string, version: string): void {
  noted[name] = version;
}

/** Of an npm package, as it is installed for a folder of the workspace. */
export function notePackage(name: string, workspace: string): void {
  const file = join(root, workspace, 'node_modules', name, 'package.json');
  noteVersion(name, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
}

/** Of the queue's server, and of the library that it is used through. */
export async function noteRedis(url: string): Promise<void> {
  const redis = connectRedis(url, { role: 'reader', logger: silentLogger });
  const { server, version } = await redisInfo(redis);
  redis.disconnect();
  noteVersion(server, version);
  notePackage('bullmq', 'packages/queue');
}

export function versions(): Record<string, string> {
  return { Sluice: commit(), ...noted };
}

/** Figures that are being published change files themselves, so those are looked past. */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const published = [':!bench/results', ':!docs/performance', ':!docs/performance.md'];
    const changed = git('status', '--porcelain', '--', '.', ...published) !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'of no known commit';
  }
}
