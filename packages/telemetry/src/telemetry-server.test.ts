import { type ClientRequestArgs, request } from 'node:http';
import { createReleaser, SluiceError, silentLogger } from '@sluice/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHealth, type Dependency } from './health.ts';
import { metricTable } from './metric-table.ts';
import { createMetrics } from './metrics.ts';
import { serveTelemetry, type TelemetryServer } from './telemetry-server.ts';

let releaser = createReleaser();
beforeEach(() => {
  releaser = createReleaser();
});
afterEach(() => releaser.release());

async function serve(given: { dependencies?: Dependency[]; stuck?: string; port?: number } = {}) {
  const metrics = createMetrics({ service: 'worker', logger: silentLogger });
  const health = createHealth();
  for (const dependency of given.dependencies ?? []) health.depend(dependency);
  health.watch(() => given.stuck);
  health.enter('working');
  const served = await serveTelemetry({
    host: '127.0.0.1',
    port: given.port ?? 0,
    metrics,
    health,
    logger: silentLogger,
  });
  releaser.push('telemetry', () => served.close());
  return { metrics, health, served };
}

function get({ url }: TelemetryServer, path: string, options: ClientRequestArgs = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = request(url + path, options, async (response) => {
      let body = '';
      for await (const part of response.setEncoding('utf8')) body += part;
      resolve({ status: response.statusCode!, body });
    });
    sent.on('error', reject).end();
  });
}

test('counters are there from the start, so that the first failure has a rate', async () => {
  const { metrics, served } = await serve();
  expect((await get(served, '/metrics')).body).toContain('sluice_chunks_total{outcome="stored"} 0');
  metrics.count('chunks_total', 2, { outcome: 'stored' });
  metrics.observe('engine_padding_ratio', 0.04);
  const { body } = await get(served, '/metrics');
  expect(body).toContain('sluice_chunks_total{outcome="stored"} 2');
  expect(body).toContain('sluice_engine_padding_ratio_bucket{le="0.05"} 1');
  expect(body).toContain('sluice_build_info{service="worker"} 1');
});

test('what is not known is not said', async () => {
  const { metrics, served } = await serve();
  expect((await get(served, '/metrics')).body).not.toMatch(/^sluice_backlog_tokens/m);
  metrics.set('backlog_tokens', 7);
  expect((await get(served, '/metrics')).body).toContain('sluice_backlog_tokens 7');
  metrics.set('backlog_tokens', undefined);
  expect((await get(served, '/metrics')).body).not.toMatch(/^sluice_backlog_tokens/m);
});

test('a collector that fails costs its own numbers only', async () => {
  const { metrics, served } = await serve();
  metrics.collect(() => Promise.reject(new Error('Redis is away')));
  metrics.collect(async () => 'bullmq_job_count{queue="chunks"} 3\n');
  const { status, body } = await get(served, '/metrics');
  expect(status).toBe(200);
  expect(body).toContain('bullmq_job_count{queue="chunks"} 3');
  expect(body).toContain('sluice_build_info');
});

test('ready only when every dependency is, and never while starting or draining; alive all the same', async () => {
  const dependencies: Dependency[] = [
    { name: 'redis', check: async () => undefined },
    { name: 'milvus', check: () => Promise.reject(new SluiceError('store_unreachable', { message: 'gone' })) },
  ];
  const { served } = await serve({ dependencies });
  const { status, body } = await get(served, '/readyz');
  expect(status).toBe(503);
  expect(JSON.parse(body)).toMatchObject({
    ready: false,
    checks: { redis: { ok: true }, milvus: { ok: false, code: 'store_unreachable' } },
  });
  expect((await get(served, '/livez')).status).toBe(200);

  const healthy = await serve();
  healthy.health.enter('starting');
  expect((await get(healthy.served, '/readyz')).status).toBe(503);
  healthy.health.enter('working');
  expect((await get(healthy.served, '/readyz')).status).toBe(200);
  healthy.health.enter('draining');
  expect((await get(healthy.served, '/readyz')).status).toBe(503);
});

test('a process that is stuck is not alive', async () => {
  const { served } = await serve({ stuck: '12 chunks wait and none was finished for 600 s' });
  expect((await get(served, '/livez')).status).toBe(503);
});

test('a port that is taken never keeps work from being done', async () => {
  const first = await serve();
  const port = Number(new URL(first.served.url).port);
  const second = await serve({ port });
  expect(second.served.url).not.toBe(first.served.url);
  expect((await get(second.served, '/livez')).status).toBe(200);
});

test('a page that resolves its own name to loopback is refused', async () => {
  const { served } = await serve();
  expect((await get(served, '/metrics', { headers: { host: 'evil.example' } })).status).toBe(403);
  expect((await get(served, '/metrics', { method: 'POST' })).status).toBe(405);
});

test('no label can hold what a user hands in: every one has a closed set of values', () => {
  for (const { labels } of Object.values(metricTable)) {
    for (const values of Object.values(labels) as (readonly string[])[]) {
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(value).toMatch(/^[a-z0-9._-]+$/);
    }
  }
});
