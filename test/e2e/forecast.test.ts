/** `ingest --dry-run` against the real run, on a modelled device: every figure of the forecast within 10 % of what then happened. */
import { once } from 'node:events';
import { loadConfig, silentLogger } from '@sluice/core';
import { type EngineServer, type ModelledEngine, openModelledEngine, RTX_3090, serveEngine } from '@sluice/embedder';
import { AROUND_SECONDS, type DryRunSummary } from '@sluice/producer';
import { redisInfo } from '@sluice/queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writtenBytes } from '../support/milvus-writes.ts';
import { ownRedis } from '../support/own-redis.ts';
import { corpusFolder, createSluice } from './sluice.ts';

/** As slow as it is: however busy this machine, the device is what a run waits for, and its clock is no clock of the machine's load. */
const RATE = ['--engine-rate', String(RTX_3090.tokensPerSecond), '--engine-request-ms', String(RTX_3090.requestMs)];
const DIMENSION = 1_024;

let engine: ModelledEngine;
let server: EngineServer;
/** When the device was first asked since it was last looked at. */
let firstAskedMs: number | undefined;
beforeAll(async () => {
  const modelled = await openModelledEngine(loadConfig([{ name: 'test', values: {} }]).config, { model: RTX_3090 });
  engine = {
    ...modelled,
    embed(request) {
      firstAskedMs ??= performance.now();
      return modelled.embed(request);
    },
  };
  server = await serveEngine({ engine: Promise.resolve(engine), model: 'modelled', port: 0, logger: silentLogger });
});
afterAll(() => server.close());

const own = ownRedis();
const lineOf = (name: string, more: Record<string, string> = {}) =>
  createSluice(name, {
    SLUICE_ENGINE: 'modelled',
    SLUICE_ENGINE_URL: server.url,
    SLUICE_DIMENSION: String(DIMENSION),
    ...more,
  });

async function forecastOf(sluice: ReturnType<typeof lineOf>, how: string[]): Promise<DryRunSummary> {
  const { lines } = await sluice.run(['ingest', corpusFolder, '--dry-run', ...how, '--json']);
  return lines.at(-1) as unknown as DryRunSummary;
}

function expectWithin10Percent(said: number, was: number): void {
  expect(said).toBeGreaterThan(0.9 * was);
  expect(said).toBeLessThan(1.1 * was);
}

test('a dry run says what the real run will take, with a worker at work while documents come', async () => {
  const sluice = lineOf('test-forecast');
  const said = await forecastOf(sluice, RATE);
  const worker = await sluice.worker();
  const [before] = engine.statistics();
  firstAskedMs = undefined;
  const { documents, chunks, tokens } = await sluice.ingest([corpusFolder]);
  const [after] = engine.statistics();
  worker.kill('SIGTERM');
  await once(worker, 'exit');

  expect(said.documents.read - said.documents.skipped - said.documents.rejected).toBe(documents.stored);
  expect(said.chunks.count).toBe(chunks.stored);
  expect(said.tokens).toBe(tokens.useful);
  expectWithin10Percent(said.forecast.paddedTokens, after!.paddedTokens - before!.paddedTokens);
  expectWithin10Percent(said.forecast.engineSeconds!, (after!.busyMs - before!.busyMs) / 1_000);
  // By the device's own clock: from the first request to the end of the last one.
  expectWithin10Percent(said.forecast.finishSeconds! - AROUND_SECONDS, (after!.lastEndMs - firstAskedMs!) / 1_000);
  const { bytes } = said.forecast.milvusBytes.find(({ dimension }) => dimension === DIMENSION)!;
  expectWithin10Percent(bytes, await writtenBytes('sluice_test_forecast'));
});

test('a dry run says what Redis will hold', async () => {
  const sluice = lineOf('test-forecast-redis', { SLUICE_REDIS_URL: own.valkey.url });
  const said = await forecastOf(sluice, RATE);
  // The first run brings scripts and the line's own keys; the second one is as large and brings its chunks.
  await sluice.run(['ingest', corpusFolder, '--source', 'first', '--no-wait']);
  const before = await redisInfo(own.redis);
  await sluice.run(['ingest', corpusFolder, '--source', 'second', '--no-wait']);
  const after = await redisInfo(own.redis);
  expectWithin10Percent(said.forecast.redisPeakBytes, after.usedBytes - before.usedBytes);
});

test('a dry run that measures the engine asks it, and forecasts with what it found', async () => {
  const [before] = engine.statistics();
  const said = await forecastOf(lineOf('test-forecast'), ['--calibrate']);
  const [after] = engine.statistics();
  expect(after!.requests).toBeGreaterThan(before!.requests);
  // What the wire and a busy machine take besides is in it.
  expect(said.forecast.engineSeconds).toBeGreaterThan(0);
  expect(said.forecast.finishSeconds).toBeGreaterThan(said.forecast.engineSeconds!);
});
