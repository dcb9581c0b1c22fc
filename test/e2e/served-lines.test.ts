/** A service and the lines beside its own: looked at, away, dropped, made anew, without their ledger. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { silentLogger } from '@sluice/core';
import { connectRedis, type Redis } from '@sluice/queue';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { type Serving, serve } from './serving.ts';
import { createSluice, ended, type Sluice } from './sluice.ts';

// Connections are counted, and Redis is frozen and loses its data.
let valkey: TestValkey;
let redis: Redis;
let sluice: Sluice;
let filled: Sluice;
let empty: Sluice;
let service: Serving;

beforeAll(async () => {
  valkey = await startValkey();
  redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  const settings = {
    SLUICE_REDIS_URL: valkey.url,
    SLUICE_ENGINE: 'null',
    SLUICE_FULL_DIMENSION: '32',
    SLUICE_DIMENSION: '32',
  };
  sluice = createSluice('test-served-own', settings);
  filled = createSluice('test-served-filled', settings);
  empty = createSluice('test-served-empty', settings);
  const worker = await filled.worker();
  await filled.ingest(['-'], '{"id":"a","text":"It has a row."}');
  worker.kill('SIGTERM');
  await ended(worker);
  service = await serve(sluice);
});
afterAll(async () => {
  await service.stop();
  redis.disconnect();
  await valkey.stop();
});

const statusOf = async (line: string) => (await fetch(`${service.url}/v1/lines/${line}/stats`)).status;
async function submitTo(line: string) {
  const answer = await fetch(`${service.url}/v1/lines/${line}/documents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id":"b","text":"Handed in."}',
  });
  return { status: answer.status, code: ((await answer.json()) as { code?: string }).code };
}

test('looking for lines that are not there leaves no connection behind', async () => {
  const connections = async () =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n').length;
  expect(await statusOf(sluice.line)).toBe(200);
  const before = await connections();
  for (let i = 0; i < 8; i += 1) expect(await statusOf(`nothing-${i}`)).toBe(404);
  await vi.waitUntil(async () => (await connections()) <= before, { timeout: 20_000 });
});

test('a line that could not be looked at is not called unknown', async () => {
  // Just asked whether there is a key: that answer holds for two seconds, and the line is what cannot be looked at.
  expect(await statusOf(sluice.line)).toBe(200);
  valkey.freeze();
  let whileAway: number;
  try {
    whileAway = await statusOf(filled.line);
  } finally {
    valkey.thaw();
  }
  const seen = new Set([whileAway]);
  await vi.waitUntil(
    async () => {
      const status = await statusOf(filled.line);
      seen.add(status);
      return status === 200;
    },
    { timeout: 60_000 },
  );
  expect([...seen].sort()).toEqual([200, 503]);
});

test('a line that is dropped is forgotten, its service goes on, and it is served again when it is made anew', async () => {
  const make = () => empty.run(['ingest', '-', '--json'], '{"id":"a","text":"Nobody works on it."}');
  await make();
  expect((await submitTo(empty.line)).status).toBe(202);
  const dropped = await empty.run(['lines', 'drop', empty.line, '--yes']);
  expect(dropped.code, dropped.stderr).toBe(0);
  await vi.waitUntil(async () => (await statusOf(empty.line)) === 404, { timeout: 60_000 });
  expect(service.log.join('\n')).toContain('"line forgotten"');
  expect(await statusOf(sluice.line)).toBe(200);
  expect(service.process.exitCode).toBeNull();
  await make();
  await vi.waitUntil(async () => (await submitTo(empty.line)).status === 202, { timeout: 60_000 });
});

test('a line whose ledger is lost takes nothing, though the service has its own', async () => {
  await service.stop();
  await redis.flushall();
  service = await serve(sluice);
  expect((await submitTo(sluice.line)).status).toBe(202);
  expect(await submitTo(filled.line)).toEqual({ status: 503, code: 'ledger_lost' });
  // BullMQ's own note of a queue that was looked at.
  const made = (await redis.keys(`*${filled.line}*`)).filter((key) => !key.endsWith(':meta'));
  expect(made).toEqual([]);
});

test('a port that is taken is refused with a setting that has an effect', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  for (const [args, fix] of [
    [['serve', '--port', String(port)], '--port or SLUICE_SERVE_PORT'],
    [['board', '--port', String(port)], '--port or SLUICE_BOARD_PORT'],
  ] as const) {
    const { code, stderr } = await sluice.run([...args]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(fix)]);
  }
  other.close();
});
