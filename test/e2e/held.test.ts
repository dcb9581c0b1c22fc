/** A run that finds the backlog at its mark, and nobody who works it off. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createSluice, ended } from './sluice.ts';

const documents = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ id: `${name}-${i}`, text: `${name} ${i}. `.repeat(100) }),
  ).join('\n');

test('a backlog at its mark without a worker is told where nobody waits, and worked off where somebody does', async () => {
  const sluice = createSluice('test-held', { SLUICE_BACKLOG_TOKENS: '1000' });
  const first = await sluice.run(['ingest', '-', '--no-wait', '--json'], documents('first', 8));
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('start one with `npx sluice worker`')]);
  expect(first.lines.at(-1)).toMatchObject({ type: 'summary', documents: { accepted: 8, stored: 0 } });

  // Reading is held: the note must come while it is, not when it has ended.
  const held = sluice.start(['ingest', '-', '--no-wait', '--json']);
  held.stdout!.resume();
  held.stdin!.end(documents('second', 8));
  let said = '';
  for await (const text of held.stderr!.setEncoding('utf8') as AsyncIterable<string>) {
    said += text;
    if (said.includes('npx sluice worker')) break;
  }
  expect(said).toContain('npx sluice worker');
  held.kill('SIGINT');
  if (held.exitCode === null && held.signalCode === null) await once(held, 'exit');

  const waiting = sluice.start(['ingest', '-', '--wait', '--json']);
  let output = '';
  waiting.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  waiting.stdin!.end(documents('third', 8));
  expect(await ended(waiting)).toBe(0);
  expect(JSON.parse(output.trimEnd().split('\n').at(-1)!)).toMatchObject({
    type: 'summary',
    documents: { accepted: 8, stored: 8 },
  });
});
