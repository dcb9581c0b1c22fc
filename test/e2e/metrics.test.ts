/** Metrics and health of a real worker: what a scrape shows after an ingest, and what a probe is told when Redis goes away. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { silentLogger } from '@sluice/core';
import { connectRedis, openSubmissionQueue } from '@sluice/queue';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createSluice } from './sluice.ts';

const sluice = createSluice('test-metrics', { SLUICE_METRICS_PORT: '0' });
let worker: Awaited<ReturnType<typeof sluice.worker>>;
let base: string;

/** Where a process serves its metrics, as it says in its log. */
function metricsOf(child: ChildProcess): Promise<string> {
  child.stdout!.resume();
  return new Promise<string>((resolve, reject) => {
    let log = '';
    child.stderr!.on('data', (bytes: Buffer) => {
      log += bytes.toString();
      const found = /"url":"(http:[^"]+)\/metrics"/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}:\n${log}`)));
  });
}

beforeAll(async () => {
  worker = sluice.start(['worker']);
  base = await metricsOf(worker);
  await until(async () => (await fetch(`${base}/readyz`)).status === 200);
  const documents = Array.from({ length: 3 }, (_, i) => `{"id":"m${i}","text":"measured ${i}","tenant":"acme"}`);
  const { documents: counts } = await sluice.ingest(['-'], `${documents.join('\n')}\n`);
  expect(counts.stored).toBe(3);
});
afterAll(() => worker.kill('SIGKILL'));

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(50);
}

test('a scrape says what was embedded, written and stored, and what BullMQ counts', async () => {
  await until(async () => (await scrape()).includes('sluice_chunks_total{outcome="stored"} 3'));
  const text = await scrape();
  for (const series of [
    'sluice_chunks_total{outcome="stored"} 3',
    'sluice_documents{state="stored"} 3',
    'sluice_engine_request_duration_seconds_count{outcome="ok"}',
    'sluice_milvus_request_duration_seconds_count{op="upsert",outcome="ok"}',
    'sluice_end_to_end_seconds_count 3',
    'sluice_backlog_tokens 0',
    'sluice_dead_letters 0',
    'sluice_breaker_open 0',
    'sluice_build_info{service="worker"} 1',
    'bullmq_job_count{queue="chunks", state="waiting", line="test-metrics", shard="0"} 0',
    'bullmq_job_completed_total{queue="chunks", line="test-metrics", shard="0"}',
  ]) {
    expect(text).toContain(series);
  }
  // Ids and tenants are no labels.
  expect(text).not.toMatch(/acme|\bm0\b/);
});

test('readiness names each dependency; liveness asks none', async () => {
  const ready = await fetch(`${base}/readyz`);
  expect(await ready.json()).toMatchObject({
    ready: true,
    phase: 'working',
    checks: { redis: { ok: true }, milvus: { ok: true }, engine: { ok: true } },
  });
  expect(await (await fetch(`${base}/livez`)).json()).toEqual({ live: true });
});

async function scrape(): Promise<string> {
  return (await fetch(`${base}/metrics`)).text();
}

test('whoever serves, cuts, shows or ingests says so too, with what waits to be cut and what was rejected', async () => {
  // Where a person sits before it, the address is in the log at debug only.
  const told = createSluice(sluice.line, { SLUICE_LOG_LEVEL: 'debug' });
  const children = [
    ['serve', '--no-chunk', '--port', '0'],
    ['board', '--port', '0'],
    ['ingest', '-', '--source', 'kept-open', '--no-wait', '--json'],
  ].map((args) => told.start(args));
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const [serve, board, ingest] = await Promise.all(children.map(metricsOf));
  const read = async (from: string) => (await fetch(`${from}/metrics`)).text();
  const redis = connectRedis(told.env.SLUICE_REDIS_URL!, { role: 'producer', logger: silentLogger });
  const submissions = openSubmissionQueue(redis, told.line);
  onTestFinished(async () => {
    await submissions.drop();
    await submissions.close();
    redis.disconnect();
  });
  await submissions.submit([
    { id: 'cut', text: 'It can be cut.' },
    { id: 'blank', text: ' ' },
  ]);
  // The port is there before the line is open.
  for (const from of [serve!, board!])
    await until(async () => (await read(from)).includes('sluice_submissions_waiting 2'));
  expect(await read(serve!)).toContain('sluice_build_info{service="serve"} 1');
  expect(await read(board!)).toContain('sluice_build_info{service="board"} 1');
  expect(await read(ingest!)).toContain('sluice_build_info{service="ingest"} 1');

  const chunker = told.start(['chunk-worker']);
  children.push(chunker);
  const cutting = await metricsOf(chunker);
  await until(async () => (await read(cutting)).includes('sluice_submissions_waiting 0'));
  await until(async () =>
    (await read(cutting)).includes('sluice_submissions_rejected_total{reason="empty_document"} 1'),
  );
  const text = await read(cutting);
  expect(text).toContain('sluice_build_info{service="chunk-worker"} 1');
  expect(text).toContain('sluice_documents_total{outcome="accepted"} 1');
  expect(text).toMatch(/sluice_enqueue_duration_seconds_count\{outcome="ok"\} 1/);
  for (const from of [serve!, board!, cutting]) {
    const ready = await fetch(`${from}/readyz`);
    expect(await ready.json()).toMatchObject({ ready: true, checks: { redis: { ok: true }, milvus: { ok: true } } });
  }
  expect((await fetch(`${ingest}/livez`)).status).toBe(200);
});

test('a trace leads from a document to the engine and to Milvus: their batches link to it, and carry no text', async () => {
  const bodies: string[] = [];
  const collector = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    bodies.push(body);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const traced = createSluice('test-traces', { SLUICE_OTLP_URL: url });
  const documents = ['t1', 't2'].map((id) => `{"id":"${id}","text":"canary-text of ${id}","tenant":"acme"}\n`);
  expect((await traced.ingest(['-'], documents.join(''))).documents.stored).toBe(2);
  collector.close();

  const spans = bodies.flatMap((body) => spansOf(JSON.parse(body)));
  const published = spans.filter(({ name }) => name === 'publish chunks');
  expect(published).toHaveLength(2);
  for (const pattern of [/^embeddings /, /^upsert /]) {
    const linked = spans.filter(({ name }) => pattern.test(name)).flatMap(({ links = [] }) => links);
    expect(new Set(linked.map(({ traceId }) => traceId))).toEqual(new Set(published.map(({ traceId }) => traceId)));
  }
  expect(bodies.join('')).not.toMatch(/canary-text|acme/);
});

interface ExportedSpan {
  name: string;
  traceId: string;
  links?: { traceId: string }[];
}

function spansOf(body: { resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[] }): ExportedSpan[] {
  return body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
