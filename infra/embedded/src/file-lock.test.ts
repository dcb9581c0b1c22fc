import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLock, waitForLock } from './file-lock.mjs';
import { processIdentity } from './process-identity.mjs';

const newPath = () => join(mkdtempSync(join(tmpdir(), 'sluice-lock-')), 'stack.lock');

test('one holder at a time; the next one gets it after the release', async () => {
  const path = newPath();
  const lock = tryLock(path);
  expect(lock).toHaveProperty('release');
  expect(tryLock(path)).toEqual({ heldBy: { pid: process.pid, identity: processIdentity(process.pid) } });
  let owner: unknown;
  const waiting = waitForLock(path, { pollMs: 5, onWait: (held) => (owner = held) });
  if ('release' in lock) lock.release();
  (await waiting).release();
  expect(owner).toMatchObject({ pid: process.pid });
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test.each([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, identity: 'x' })],
  ['an earlier process with the pid of a living one', JSON.stringify({ pid: process.pid, identity: 'another boot:1' })],
  ['half a file', '{"pid":'],
])('the lock of %s is taken over', (_who, content) => {
  const path = newPath();
  writeFileSync(path, content);
  expect(tryLock(path)).toHaveProperty('release');
});

test('of many processes that meet a dead lock exactly one takes it over', async () => {
  const path = newPath();
  writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, identity: 'x' }));
  const script = `const { tryLock } = await import(${JSON.stringify(join(import.meta.dirname, 'file-lock.mjs'))});
    process.stdin.once('data', () => {
      const lock = tryLock(${JSON.stringify(path)});
      process.stdout.write('release' in lock ? 'won' : 'lost');
      process.stdin.on('end', () => process.exit());
    });
    process.stdout.write('up');`;
  const racers = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said = () => new Promise<string>((resolve) => child.stdout.once('data', (bytes) => resolve(String(bytes))));
    return { child, said };
  });
  await Promise.all(racers.map(({ said }) => said()));
  const answers = racers.map(({ said }) => said());
  for (const { child } of racers) child.stdin.write('go');
  expect((await Promise.all(answers)).filter((answer) => answer === 'won')).toHaveLength(1);
  for (const { child } of racers) child.stdin.end();
});
