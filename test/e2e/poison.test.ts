/** A chunk that kills whatever process embeds it: really killed, again and again, until the chunk is dead and its neighbours stored. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '@sluice/cli/node-flags';
import { afterEach, expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { testLine } from '../support/stack.ts';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const program = fileURLToPath(new URL('./quick-worker.ts', import.meta.url));

test('a poison chunk ends as a dead letter that says so, and its neighbours are stored', async () => {
  let worker: ChildProcess;
  let deaths = 0;
  const engine = await startJinaTinyServer({
    async script({ texts }) {
      if (!texts.some((text) => text.includes('POISON'))) return undefined;
      deaths += 1;
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      return undefined;
    },
  });
  closing.push(() => engine.close());
  const sluice = createSluice(testLine(), tinySettings(engine.url));
  const documents = Array.from({ length: 12 }, (_, i) => {
    return `${JSON.stringify({ id: `doc-${i}`, text: `${i === 5 ? 'POISON' : `word${i}`} `.repeat(30) })}\n`;
  });
  expect((await sluice.run(['ingest', '-', '--no-wait'], documents.join(''))).code).toBe(0);

  /** Whenever the worker is killed another one is started, as a supervisor does. */
  let ended = false;
  const supervising = (async () => {
    while (!ended) {
      worker = spawn(process.execPath, [...nodeFlags, program], {
        env: { PATH: process.env.PATH, ...sluice.env },
        stdio: 'ignore',
      });
      await once(worker, 'exit');
    }
  })();
  closing.push(async () => {
    ended = true;
    worker.kill('SIGTERM');
    await supervising;
  });

  const line = await readLine(sluice.line);
  closing.push(() => line.close());
  for (;;) {
    const { stored, partial } = await line.ledger.counts();
    if (stored + partial === 12) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const letters = [];
  for await (const letter of line.ledger.deadLetters()) letters.push(letter);
  expect(letters).toMatchObject([{ documentId: 'doc-5', code: 'poison' }]);
  expect(JSON.stringify(letters)).not.toContain('POISON');
  // Twice in company, three times alone.
  expect(deaths).toBe(5);
  expect(await line.countRows()).toBe(11);
}, 300_000);
