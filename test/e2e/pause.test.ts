/** A paused line: its workers hold between batches, whoever starts or waits is told, and nothing is lost by it. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type JinaTinyServer, startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { testLine } from '../support/stack.ts';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function engineOf(): Promise<JinaTinyServer> {
  const engine = await startJinaTinyServer({
    script: async () => {
      await delay(100);
      return undefined;
    },
  });
  closing.push(() => engine.close());
  return engine;
}

const documents = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, i) => `${JSON.stringify({ id: `doc-${from + i}`, text: `word${from + i} `.repeat(60) })}\n`,
  ).join('');

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await delay(50);
}

test('a paused line holds its workers, old and new, until it is resumed; then everything is stored', async () => {
  const engine = await engineOf();
  const sluice = createSluice(testLine(), { ...tinySettings(engine.url), SLUICE_BATCH_ROWS: '2' });
  const worker = await sluice.worker();
  closing.push(async () => {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  });
  await sluice.ingest(['-'], documents(0, 1));
  const line = await readLine(sluice.line);
  closing.push(() => line.close());

  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  const events: Record<string, unknown>[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (text) => events.push(JSON.parse(text)));
  ingest.stdin!.end(documents(1, 120));
  await until(async () => (await line.countRows()) > 10);

  expect((await sluice.run(['pause', '--reason', 'new disks'])).code).toBe(0);
  // Held when a heartbeat has passed and nothing is in a worker's hands.
  await until(async () => (await line.ledger.liveWorkers()).every(({ held }) => held === 0));
  const requests = engine.requests;
  const rows = await line.countRows();
  expect(rows).toBeLessThan(120);

  // Another worker on the same line begins held: it proves its engine and takes nothing.
  const second = await sluice.worker();
  closing.push(async () => {
    second.kill('SIGTERM');
    await once(second, 'exit');
  });
  const proven = engine.requests;
  await until(() => events.at(-1)?.waitingFor !== undefined);
  expect(events.at(-1)!.waitingFor).toMatch(/paused \(new disks\).*sluice resume/);
  const status = await sluice.run(['status', '--json']);
  expect(status.lines[0]).toMatchObject({ paused: 'new disks', documents: { open: 120 - rows } });
  expect((await sluice.run(['status'])).stdout).toMatch(/paused {3}new disks: `sluice resume/);
  expect(await line.countRows()).toBe(rows);
  expect(engine.requests).toBe(proven);
  expect(proven).toBeGreaterThan(requests);

  expect((await sluice.run(['resume'])).code).toBe(0);
  await once(ingest, 'exit');
  expect(events.at(-1)).toMatchObject({ exitCode: 0, documents: { accepted: 119, stored: 119, partial: 0 } });
  expect(await line.countRows()).toBe(120);
  expect((await sluice.run(['resume'])).stdout).toMatch(/was not paused/);
}, 60_000);
