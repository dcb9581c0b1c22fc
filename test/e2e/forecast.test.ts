/** `ingest --dry-run` against the real run: the same tokens, and engine time within 10 % of what a modelled device then computed. */
import { once } from 'node:events';
import { loadConfig, silentLogger } from '@sluice/core';
import { type EngineServer, type ModelledEngine, openModelledEngine, serveEngine } from '@sluice/embedder';
import type { DryRunSummary } from '@sluice/producer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { corpusFolder, createSluice } from './sluice.ts';

/** Ten 3090s in one, so that the test is quick: forecast and device are scaled alike. */
const MODEL = { tokensPerSecond: 400_000, requestMs: 0, maxPaddedTokens: 65_536 };

let engine: ModelledEngine;
let server: EngineServer;
beforeAll(async () => {
  engine = await openModelledEngine(loadConfig([{ name: 'test', values: {} }]).config, { model: MODEL });
  server = await serveEngine({ engine: Promise.resolve(engine), model: 'modelled', port: 0, logger: silentLogger });
});
afterAll(() => server.close());

test('a dry run says what the real run will take of the engine', async () => {
  const sluice = createSluice('test-forecast', { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: server.url });
  const dry = await sluice.run(['ingest', corpusFolder, '--dry-run', '--engine-rate', '400000', '--json']);
  const said = dry.lines.at(-1) as unknown as DryRunSummary;
  // Everything waits before a worker begins: it then chooses from as many chunks as it holds.
  await sluice.run(['ingest', corpusFolder, '--no-wait', '--json']);
  await sluice.run(['pause']);
  const worker = await sluice.worker();
  const [before] = engine.statistics();
  await sluice.run(['resume']);
  const done = () => {
    const [now] = engine.statistics();
    return {
      usefulTokens: now!.usefulTokens - before!.usefulTokens,
      paddedTokens: now!.paddedTokens - before!.paddedTokens,
      seconds: (now!.busyMs - before!.busyMs) / 1_000,
    };
  };
  await expect.poll(() => done().usefulTokens, { timeout: 90_000 }).toBeGreaterThanOrEqual(said.tokens);
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  const { usefulTokens, paddedTokens, seconds } = done();
  // One known text was embedded besides, when the line was resumed.
  expect(usefulTokens - said.tokens).toBeLessThan(100);
  expect(Math.abs(said.forecast.paddedTokens / paddedTokens - 1)).toBeLessThan(0.1);
  expect(Math.abs(said.forecast.engineSeconds! / seconds - 1)).toBeLessThan(0.1);
});
