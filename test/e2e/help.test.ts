/** Every command and sub-command explains itself, examples first; `board` listens on loopback and stops. */
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { createSluice, ended } from './sluice.ts';

const sluice = createSluice('test-help');

/** Names of the commands that a help text lists. */
function commandsIn(help: string): string[] {
  const [, list = ''] = help.split(/^Commands:$/m);
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help');
}

test('--help of each command shows examples first', async () => {
  const top = await sluice.run(['--help']);
  expect(top.code).toBe(0);
  const names = commandsIn(top.stdout);
  expect(names).toEqual(expect.arrayContaining(['ingest', 'worker', 'query', 'doctor', 'board', 'lines']));
  const waiting = names.map((name) => [name]);
  let shown = 0;
  for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
    const { code, stdout } = await sluice.run([...command, '--help']);
    expect(code, command.join(' ')).toBe(0);
    const inner = commandsIn(stdout);
    waiting.push(...inner.map((name) => [...command!, name]));
    if (inner.length > 0) continue;
    expect(stdout, command.join(' ')).toMatch(/^Examples:\n(?: {2}\S.*\n)+\s*Usage: sluice/);
    shown += 1;
  }
  expect(shown).toBeGreaterThan(20);
}, 300_000);

test('board serves its pages on loopback alone', async () => {
  await sluice.ingest(['-'], '{"id":"a","text":"A document."}\n');
  const child = sluice.start(['board', '--port', '0']);
  child.stderr!.resume();
  const closed = ended(child);
  const [line] = (await new Promise<string[]>((resolve) =>
    createInterface({ input: child.stdout! }).on('line', (said) => resolve([said])),
  )) as [string];
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)![0];
  expect((await fetch(url)).status).toBe(200);
  child.kill('SIGINT');
  await closed;
});
