/** Metrics and health of a real worker: what a scrape shows after an ingest, and what a probe is told when Redis goes away. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSluice } from './sluice.ts';

const sluice = createSluice('test-metrics', { SLUICE_METRICS_PORT: '0' });
let worker: Awaited<ReturnType<typeof sluice.worker>>;
let base: string;

beforeAll(async () => {
  const started = sluice.start(['worker']);
  started.stdout!.resume();
  worker = started;
  base = await new Promise<string>((resolve, reject) => {
    let log = '';
    started.stderr!.on('data', (bytes: Buffer) => {
      log += bytes.toString();
      const found = /"url":"(http:[^"]+)\/metrics"/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    started.once('exit', (code) => reject(new Error(`the worker ended with ${code}:\n${log}`)));
  });
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
