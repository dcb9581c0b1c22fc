/** What must hold when documents change, fail or disappear while they are on their way, and when a worker is killed. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { type JinaTinyOptions, type JinaTinyServer, startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { taskLine } from '../support/stack.ts';
import { type LineReader, readLine } from './line-reader.ts';
import { createSluice, ended, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

/** An engine of the test's own, closed after it. */
async function scripted({ onTestFinished }: TestContext, script?: JinaTinyOptions['script']): Promise<JinaTinyServer> {
  const engine = await startJinaTinyServer(script === undefined ? {} : { script });
  onTestFinished(() => engine.close());
  return engine;
}

/** A line of this test on that engine. */
function lineOn(context: TestContext, engine: JinaTinyServer, settings: Record<string, string> = {}): Sluice {
  return createSluice(taskLine(context), { ...tinySettings(engine.url), ...settings });
}

async function reader({ onTestFinished }: TestContext, sluice: Sluice): Promise<LineReader> {
  const line = await readLine(sluice.line);
  onTestFinished(() => line.close());
  return line;
}

function endedAfter({ onTestFinished }: TestContext, child: ChildProcess): void {
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
}

const ndjson = (documents: { id: string; text: string; tenant?: string }[]) =>
  documents.map((document) => `${JSON.stringify(document)}\n`).join('');
const prose = (name: string, words = 400) =>
  Array.from({ length: words }, (_, i) => `${name}${i % 7 === 6 ? '.' : ''}`).join(' ');

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await delay(50);
}

describe.concurrent('changes', { timeout: 600_000 }, () => {
  test('content A, then B, then A again: A’s row, of the third revision', async (context) => {
    const sluice = lineOn(context, await scripted(context));
    for (const text of [prose('alpha'), prose('beta'), prose('alpha')]) {
      expect((await sluice.ingest(['-'], ndjson([{ id: 'doc', text }]))).documents).toMatchObject({
        accepted: 1,
        stored: 1,
      });
    }
    const line = await reader(context, sluice);
    const rows = await line.rows('doc');
    expect(rows.map((row) => row.text)).toEqual([prose('alpha')]);
    expect((await line.ledger.read([line.key('doc')]))[0]).toMatchObject({
      state: 'stored',
      wholeRevision: rows[0]!.rev,
    });
  });

  test('a delete while the same id is being embedded leaves no row', async (context) => {
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const engine = await scripted(context, async ({ texts }) => {
      if (!texts.some((text) => text.includes('slow'))) return undefined;
      begun.resolve();
      await held.promise;
      return undefined;
    });
    const sluice = lineOn(context, engine);
    const ingesting = sluice.ingest(['-'], ndjson([{ id: 'doc', text: prose('slow') }]));
    await begun.promise;
    expect((await sluice.run(['delete', 'doc', '--json'])).lines).toEqual([{ id: 'doc', deleted: true }]);
    held.resolve();
    expect((await ingesting).documents).toMatchObject({ accepted: 1, stored: 0, superseded: 1 });
    const line = await reader(context, sluice);
    expect(await line.rows('doc')).toEqual([]);
    expect((await line.ledger.read([line.key('doc')]))[0]).toMatchObject({ state: 'deleted' });
    expect((await sluice.run(['rows', 'doc'])).code).toBe(0);
  });

  test('a delete comes after what is handed in and not accepted yet, also where the document had been deleted before', async (context) => {
    const sluice = lineOn(context, await scripted(context));
    await sluice.ingest(['-'], ndjson([{ id: 'doc', text: prose('first') }]));
    const line = await reader(context, sluice);
    const remove = async () => (await sluice.run(['delete', 'doc', '--json'])).lines[0];
    expect(await remove()).toEqual({ id: 'doc', deleted: true });
    expect(await remove()).toEqual({ id: 'doc', deleted: false, code: 'unknown_document' });

    // A producer that is between its prepare and its commit.
    const key = line.key('doc');
    const handedIn = {
      key,
      id: 'doc',
      hash: 'h'.repeat(22),
      cut: 'c'.repeat(8),
      chunkCount: 1,
      tokens: [9],
      producer: 'p',
    };
    const [prepared] = await line.ledger.prepare([handedIn]);
    expect(await remove()).toEqual({ id: 'doc', deleted: true });
    expect(await line.ledger.commit([{ key, revision: prepared!.revision }])).toEqual(['superseded']);
  });

  test('two tenants hand in the same id: two documents, and a search sees its own tenant’s only', async (context) => {
    const sluice = lineOn(context, await scripted(context));
    await sluice.ingest(
      ['-'],
      ndjson([
        { id: 'doc', text: prose('ours'), tenant: 'a' },
        { id: 'doc', text: prose('theirs'), tenant: 'b' },
        { id: 'doc', text: prose('nobody') },
      ]),
    );
    const texts = async (...args: string[]) =>
      (await sluice.run(['rows', 'doc', '--json', ...args])).lines.map((row) => (row.text as string).split(' ')[0]);
    expect([await texts('--tenant', 'a'), await texts('--tenant', 'b'), await texts()]).toEqual([
      ['ours'],
      ['theirs'],
      ['nobody'],
    ]);
    expect((await sluice.run(['query', 'x', '--tenant', 'a', '--json'])).lines.map((hit) => hit.tenant)).toEqual(['a']);
    await sluice.run(['delete', 'doc', '--tenant', 'a']);
    endedAfter(context, await sluice.worker());
    const line = await reader(context, sluice);
    await until(async () => (await line.countRows()) === 2);
    expect([await texts('--tenant', 'a'), await texts('--tenant', 'b')]).toEqual([[], ['theirs']]);
  });
});

describe.concurrent('failures', { timeout: 600_000 }, () => {
  test('a text that the engine refuses is dead-lettered alone, the others are stored, and the command exits with 3', async (context) => {
    const engine = await scripted(context, ({ texts }) =>
      texts.some((text) => text.includes('POISON'))
        ? { status: 400, body: { detail: { message: 'no', code: 'BAD' } } }
        : undefined,
    );
    const sluice = lineOn(context, engine);
    const documents = Array.from({ length: 12 }, (_, i) => ({
      id: `doc-${i}`,
      text: prose(i === 7 ? 'POISON' : `word${i}`),
    }));
    const summary = await sluice.ingest(['-'], ndjson(documents));
    expect(summary).toMatchObject({
      exitCode: 3,
      documents: { accepted: 12, stored: 11, partial: 1 },
      chunks: { stored: 11, dead: 1 },
    });
    const line = await reader(context, sluice);
    expect(await line.countRows()).toBe(11);
    const letters = [];
    for await (const letter of line.ledger.deadLetters()) letters.push(letter);
    expect(letters).toMatchObject([{ documentId: 'doc-7', code: 'engine_rejected' }]);
    expect(JSON.stringify(letters)).not.toContain('POISON');
  });

  test('an engine that is down for a while costs nothing but time', async (context) => {
    let down = 3;
    const engine = await scripted(context, ({ request }) =>
      request > 8 && down-- > 0 ? { status: 503, body: { detail: 'loading' } } : undefined,
    );
    const sluice = lineOn(context, engine);
    const documents = Array.from({ length: 30 }, (_, i) => ({ id: `doc-${i}`, text: prose(`word${i}`, 300) }));
    expect(await sluice.ingest(['-'], ndjson(documents))).toMatchObject({
      exitCode: 0,
      documents: { stored: 30, partial: 0 },
      chunks: { dead: 0 },
    });
  });

  test('kill -9 of the worker in the middle: another stores everything, nothing twice', async (context) => {
    const engine = await scripted(context, async () => {
      await delay(30);
      return undefined;
    });
    const sluice = lineOn(context, engine, { SLUICE_BATCH_ROWS: '4' });
    const first = await sluice.worker({ quick: true });
    endedAfter(context, first);
    const documents = Array.from({ length: 200 }, (_, i) => ({ id: `doc-${i}`, text: prose(`word${i}`, 100) }));
    const ingesting = sluice.ingest(['-'], ndjson(documents));
    const line = await readLineWhenMade(context, sluice);
    await until(async () => (await line.countRows()) > 40);
    first.kill('SIGKILL');
    await once(first, 'exit');
    endedAfter(context, await sluice.worker({ quick: true }));
    expect((await ingesting).documents).toMatchObject({ accepted: 200, stored: 200, partial: 0 });
    expect(await line.countRows()).toBe(200);
    const ids = new Set((await Promise.all(documents.map(({ id }) => line.rows(id)))).flat().map((row) => row.id));
    expect(ids.size).toBe(200);
  });

  test('Ctrl-C ends with 130 and keeps what was accepted; the same command goes on from there', async (context) => {
    const engine = await scripted(context);
    const sluice = lineOn(context, engine);
    const documents = Array.from({ length: 400 }, (_, i) => ({ id: `doc-${i}`, text: prose(`word${i}`, 60) }));
    const child = sluice.start(['ingest', '-', '--no-wait', '--json']);
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stdin!.write(ndjson(documents.slice(0, 200)));
    await until(() => /"accepted":(?!0)/.test(output));
    child.kill('SIGINT');
    expect(await ended(child)).toBe(130);
    const first = JSON.parse(output.trimEnd().split('\n').at(-1)!) as {
      run: string;
      exitCode: number;
      documents: { accepted: number };
    };
    expect(first.exitCode).toBe(130);
    expect(first.documents.accepted).toBeGreaterThan(0);
    const record = await sluice.run(['runs', 'show', first.run, '--json']);
    expect(record.lines[0]).toMatchObject({ cursor: expect.stringMatching(/^\d+ documents, .+/) });
    expect(await sluice.ingest(['-'], ndjson(documents))).toMatchObject({
      exitCode: 0,
      documents: { read: 400, partial: 0 },
    });
    const line = await reader(context, sluice);
    await until(async () => (await line.countRows()) === 400);
    // What the first run had accepted was read and cut twice, and embedded once.
    const embedded = engine.texts().filter((text) => /^word\d/.test(text));
    expect([embedded.length, new Set(embedded).size]).toEqual([400, 400]);
  });

  test('another space on the same line is refused at once, with the ways out', async (context) => {
    const engine = await scripted(context);
    await lineOn(context, engine).ingest(['-'], ndjson([{ id: 'doc', text: prose('word') }]));
    const { code, stderr } = await lineOn(context, engine, { SLUICE_DIMENSION: '16' }).run(
      ['ingest', '-', '--wait'],
      ndjson([{ id: 'doc', text: 'x' }]),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/space_drift.*storedDimension: 32 against 16.*--line.*lines drop/s);
  });

  test('without servers the command says what to do', async (context) => {
    const sluice = createSluice(taskLine(context), { SLUICE_REDIS_URL: 'redis://127.0.0.1:1' });
    const { code, stderr } = await sluice.run(['ingest', '-', '--wait'], ndjson([{ id: 'doc', text: 'x' }]));
    expect([code, stderr]).toEqual([4, expect.stringMatching(/queue_unreachable/)]);
  });
});

async function readLineWhenMade(context: TestContext, sluice: Sluice): Promise<LineReader> {
  for (;;) {
    try {
      return await reader(context, sluice);
    } catch {
      await delay(200);
    }
  }
}
