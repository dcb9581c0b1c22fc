/** A paused line: its workers hold between batches, whoever starts or waits is told, and nothing is lost by it. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { testLine } from '../support/stack.ts';
import { readLine } from './line-reader.ts';
import { createSluice, ended } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A few documents each in its own request, so that a line can be paused in the middle. */
const documents = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, i) => `${JSON.stringify({ id: `doc-${from + i}`, text: `word${from + i} `.repeat(20) })}\n`,
  ).join('');

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await delay(50);
}

test('a paused line holds its workers, whoever waits is told why, and a pause in the middle loses nothing', async () => {
  const begun = Promise.withResolvers<void>();
  const answering = Promise.withResolvers<void>();
  let embedded = 0;
  const engine = await startJinaTinyServer({
    async script({ texts }) {
      if (!texts.some((text) => text.includes('word'))) return undefined;
      embedded += 1;
      if (embedded === 3) begun.resolve();
      if (embedded >= 3) await answering.promise;
      return undefined;
    },
  });
  closing.push(() => engine.close());
  const sluice = createSluice(testLine(), {
    ...tinySettings(engine.url),
    SLUICE_BATCH_ROWS: '1',
    SLUICE_IN_FLIGHT: '2',
  });

  // Paused before any worker runs: one that starts now begins held.
  expect((await sluice.run(['ingest', '-', '--no-wait'], documents(0, 20))).code).toBe(0);
  expect((await sluice.run(['pause', '--reason', 'new disks'])).code).toBe(0);
  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  const closed = ended(ingest);
  const worker = await sluice.worker();
  closing.push(async () => {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  });
  ingest.stdin!.end(documents(20, 40));
  await until(() => /paused \(new disks\).*sluice resume/.test(String(events.at(-1)?.waitingFor)));
  const [json, table] = await Promise.all([sluice.run(['status', '--json']), sluice.run(['status'])]);
  expect(json.lines[0]).toMatchObject({ paused: 'new disks', rows: 0 });
  expect(table.stdout).toMatch(/paused {3}new disks: `npx sluice resume/);
  expect(embedded).toBe(0);

  // Paused again in the middle: what is in a request is stored, the rest goes back to the queue.
  expect((await sluice.run(['resume'])).code).toBe(0);
  const line = await readLine(sluice.line);
  closing.push(() => line.close());
  await begun.promise;
  // What the worker says of itself with every heartbeat.
  const held = async () => (await line.ledger.liveWorkers())[0]!.held;
  await until(async () => (await held()) > 2);
  await line.ledger.pause('again');
  await until(async () => (await held()) <= 2);
  answering.resolve();
  await until(async () => (await held()) === 0);
  expect(await line.countRows()).toBe(4);
  expect(embedded).toBe(4);

  await line.ledger.resume();
  expect(await closed).toBe(0);
  expect(events.at(-1)).toMatchObject({ documents: { accepted: 20, stored: 20, partial: 0 } });
  await until(async () => (await line.countRows()) === 40);
});
