/** Two signals: the first begins to stop, the second ends the process at once, whatever is under way. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JinaTinyServer, startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { createSluice, ended, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

let engine: JinaTinyServer;
let sluice: Sluice;
let asked = Promise.withResolvers<void>();
/** Its answers to documents never come. */
const never = new Promise<undefined>(() => undefined);

beforeAll(async () => {
  engine = await startJinaTinyServer({
    script({ texts }) {
      if (!texts.some((text) => text.includes('HELD'))) return undefined;
      asked.resolve();
      return never;
    },
  });
  sluice = createSluice('test-interrupt', tinySettings(engine.url));
});
afterAll(() => engine.close());

/** Stopped in order after the first, a worker and a service end with 0, an ingest with its summary. Which of the two comes second is the kernel's. */
async function leavesWithTheSecond(child: ChildProcess): Promise<void> {
  const closed = ended(child);
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect([130, 143]).toContain(await closed);
}

async function says(child: ChildProcess, stream: 'stdout' | 'stderr', words: string): Promise<void> {
  const lines = createInterface({ input: child[stream]! });
  await new Promise<void>((resolve) => lines.on('line', (line) => line.includes(words) && resolve()));
}

test('ingest, with its worker inside', async () => {
  const child = sluice.start(['ingest', '-', '--wait', '--json']);
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr!.resume();
  child.stdin!.write('{"id":"held","text":"HELD for ever."}\n');
  child.stdin!.end();
  await asked.promise;
  await leavesWithTheSecond(child);
  expect(output).toContain('"start"');
  expect(output).not.toContain('"summary"');
});

test('a worker', async () => {
  asked = Promise.withResolvers();
  await sluice.run(['ingest', '-', '--no-wait'], '{"id":"held too","text":"HELD too."}\n');
  const child = await sluice.worker();
  await asked.promise;
  await leavesWithTheSecond(child);
});

test('the service', async () => {
  const child = sluice.start(['serve', '--port', '0', '--json']);
  child.stderr!.resume();
  await says(child, 'stdout', '"serving"');
  await leavesWithTheSecond(child);
});
