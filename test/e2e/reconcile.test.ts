/** Redis loses everything in the middle of work; a collection is made anew under its name: noticed, said, and mended. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { silentLogger } from '@sluice/core';
import { connectRedis } from '@sluice/queue';
import { expect, type TestContext, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { taskLine } from '../support/stack.ts';
import { startValkey } from '../support/valkey.ts';
import { readLine } from './line-reader.ts';
import { serve } from './serving.ts';
import { createSluice, ended, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const text = (id: string, version: string) => `${version} of ${id}. `.repeat(30);
const ndjson = (documents: Record<string, string>) =>
  Object.entries(documents)
    .map(([id, version]) => `${JSON.stringify({ id, text: text(id, version) })}\n`)
    .join('');
const named = (from: number, to: number, version: string) =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`doc-${from + i}`, version]));

/** A worker's log and how it ended. */
async function loggedWorker(
  context: TestContext,
  sluice: Sluice,
): Promise<{ log: string[]; ended: Promise<number | null> }> {
  const child = sluice.start(['worker']);
  child.stdout!.resume();
  const log: string[] = [];
  const works = Promise.withResolvers<void>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    log.push(line);
    if (line.includes('"worker started"')) works.resolve();
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  context.onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await Promise.race([works.promise, ended]);
  return { log, ended };
}

test.concurrent('FLUSHALL with a write in flight: nothing is deleted, workers stop, and reconcile makes the line whole again', {
  timeout: 600_000,
}, async (context) => {
  const valkey = await startValkey();
  context.onTestFinished(() => valkey.stop());
  const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  context.onTestFinished(async () => redis.disconnect());
  const begun = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let embedded: string[] = [];
  const engine = await startJinaTinyServer({
    async script({ texts }) {
      embedded.push(...texts);
      if (texts.some((found) => found.includes('edited'))) {
        begun.resolve();
        await lost.promise;
      }
      return undefined;
    },
  });
  context.onTestFinished(() => engine.close());
  const sluice = createSluice(taskLine(context), { ...tinySettings(engine.url), SLUICE_REDIS_URL: valkey.url });
  const all = { ...named(0, 20, 'original'), ...named(5, 8, 'edited') };
  await sluice.ingest(['-'], ndjson(named(0, 20, 'original')));
  const line = await readLine(sluice.line);
  context.onTestFinished(() => line.close());

  const [busy, idle, service] = await Promise.all([
    loggedWorker(context, sluice),
    loggedWorker(context, sluice),
    serve(sluice),
  ]);
  const serviceEnded = once(service.process, 'exit');
  context.onTestFinished(async () => void service.process.kill('SIGKILL'));
  expect((await sluice.run(['ingest', '-', '--no-wait'], ndjson(all))).code).toBe(0);
  await begun.promise;
  await redis.flushall();
  const submitted = await service.call('POST', '/documents', { id: 'late', text: 'late' }).catch(() => undefined);
  expect(submitted?.body.code ?? 'ended already').toMatch(/^(ledger_lost|ended already)$/);
  lost.resolve();
  for (const { log, ended } of [busy, idle]) {
    expect(await ended).toBe(1);
    expect(log.join('\n')).toMatch(/ledger_lost.*sluice reconcile/);
  }
  expect((await serviceEnded)[0]).toBe(1);
  // Nobody began a new ledger under what the collection holds.
  expect(await line.ledger.births()).toEqual([undefined]);
  expect(await line.countRows()).toBeGreaterThanOrEqual(20);
  const refused = await sluice.run(['ingest', '-', '--wait'], ndjson(all));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/ledger_lost.*sluice reconcile/s)]);

  embedded = [];
  const { code, lines } = await sluice.run(['reconcile', '-', '--source', 'stdin', '--json'], ndjson(all));
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatchObject({ type: 'reconciled', whole: 20, distrusted: 0 });
  // What was whole is not embedded again; what was in flight is, unless it was written whole.
  expect(embedded.filter((found) => found.includes('original'))).toEqual([]);
  const again = await sluice.ingest(['-', '--source', 'stdin'], ndjson(all));
  expect(again.documents).toMatchObject({ read: 20, unchanged: 20, accepted: 0 });
  const verified = await sluice.run(['verify']);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^Right .*20 documents and 20 rows/)]);
  for (const [id, version] of Object.entries(all)) {
    expect((await line.rows(id)).map((row) => row.text.trim())).toEqual([text(id, version).trim()]);
  }
});

test.concurrent('a collection dropped and made anew under the same name is noticed, and nothing is reported stored', {
  timeout: 600_000,
}, async (context) => {
  const begun = Promise.withResolvers<void>();
  const made = Promise.withResolvers<void>();
  const engine = await startJinaTinyServer({
    async script({ texts }) {
      if (!texts.some((found) => found.includes('of doc-'))) return undefined;
      begun.resolve();
      await made.promise;
      return undefined;
    },
  });
  context.onTestFinished(() => engine.close());
  const sluice = createSluice(taskLine(context), tinySettings(engine.url));
  const ingest = sluice.start(['ingest', '-', '--wait', '--json']);
  const output: string[] = [];
  createInterface({ input: ingest.stdout! }).on('line', (found) => output.push(found));
  let said = '';
  ingest.stderr!.setEncoding('utf8').on('data', (found: string) => {
    said += found;
  });
  const closed = ended(ingest);
  ingest.stdin!.end(ndjson(named(0, 4, 'first')));
  await begun.promise;
  const old = await readLine(sluice.line);
  await old.store.dropLine(sluice.line);
  await old.store.openLine({ line: sluice.line, space: old.info.space });
  await old.close();
  made.resolve();
  expect(await closed).toBe(1);
  expect(said).toMatch(/epoch_changed.*sluice reconcile/s);
  expect(output.some((found) => found.includes('"summary"'))).toBe(false);

  const line = await readLine(sluice.line);
  context.onTestFinished(() => line.close());
  expect(await line.ledger.counts()).toMatchObject({ stored: 0, open: 0 });
  // Rows that went into the new collection before it was noticed are whole: reconcile keeps them.
  const rows = await line.countRows();
  const { code, lines } = await sluice.run(['reconcile', '-', '--json'], ndjson(named(0, 4, 'first')));
  expect([code, lines.at(-1)]).toMatchObject([0, { type: 'reconciled', adopted: rows, left: 0 }]);
  const again = await sluice.ingest(['-'], ndjson(named(0, 4, 'first')));
  expect(again.documents).toMatchObject({ unchanged: 4 });
  expect(await line.countRows()).toBe(4);
});
