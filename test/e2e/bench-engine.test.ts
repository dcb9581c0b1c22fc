/** `sluice bench engine` against `sluice engine --model modelled`, both as a user types them: what is known of that device is found. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { loadConfig } from '@sluice/core';
import { resolveEngine } from '@sluice/embedder';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSluice, ended, type Sluice } from './sluice.ts';

/** Slow, so that what the client and HTTP take of a busy processor is little beside it. */
const RATE = 10_000;
const REQUEST_MS = 40;
const size = { SLUICE_TARGET_TOKENS: '512', SLUICE_MAX_TOKENS: '1024', SLUICE_BATCH_TOKENS: '4096' };

interface Measurement {
  cells: { tokens: number; rows: number }[];
  rate: { tokensPerSecond: number };
  bestPaddedTokens: number;
  corpusSeconds: number;
}

let engine: ChildProcess;
let sluice: Sluice;
beforeAll(async () => {
  engine = createSluice('test-bench-engine-served').start([
    ...['engine', '--model', 'modelled', '--port', '0', '--json'],
    ...['--tokens-per-second', String(RATE), '--request-ms', String(REQUEST_MS), '--memory-tokens', '4096'],
  ]);
  engine.stderr!.resume();
  const [line] = await Promise.race([
    once(createInterface({ input: engine.stdout! }), 'line') as Promise<[string]>,
    once(engine, 'exit').then(([code]) => Promise.reject(new Error(`the engine ended with ${code}`))),
  ]);
  const { url } = JSON.parse(line) as { url: string };
  sluice = createSluice('test-bench-engine', { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: url, ...size });
});
afterAll(async () => {
  engine.kill('SIGTERM');
  await ended(engine);
});

test('it finds the rate, sends what a line would send, and names a size that a line accepts', async () => {
  const { code, lines, stderr } = await sluice.run(['bench', 'engine', '--corpus-tokens', '1000000', '--json']);
  expect(code, stderr).toBe(0);
  const found = lines[0] as unknown as Measurement;
  expect(Math.abs(found.rate.tokensPerSecond / RATE - 1)).toBeLessThan(0.05);
  // 4,096 tokens a request, and the fixed part of each: what the corpus takes.
  const seconds = 1_000_000 / RATE + (1_000_000 / found.bestPaddedTokens) * (REQUEST_MS / 1_000);
  expect(Math.abs(found.corpusSeconds / seconds - 1)).toBeLessThan(0.1);
  expect(Math.max(...found.cells.map(({ rows }) => rows))).toBe(16);
  expect(found.bestPaddedTokens).toBeGreaterThanOrEqual(1_024);
  const values = { ...size, SLUICE_ENGINE: 'static', SLUICE_BATCH_TOKENS: String(found.bestPaddedTokens) };
  expect(() => resolveEngine(loadConfig([{ name: 'said', values }]).config)).not.toThrow();
});

test('a size that no text of the line fits into is refused with the setting', async () => {
  const { code, stderr } = await sluice.run(['bench', 'engine', '--max-batch-tokens', '512']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('at least SLUICE_MAX_TOKENS, 1024');
});

test('an engine without memory for the largest text is said to be one', async () => {
  const line = { SLUICE_TARGET_TOKENS: '2048', SLUICE_MAX_TOKENS: '4500', SLUICE_BATCH_TOKENS: '8192' };
  const { code, stderr } = await createSluice('test-bench-engine', { ...sluice.env, ...line }).run([
    ...['bench', 'engine', '--repeats', '1'],
  ]);
  expect(code).not.toBe(0);
  expect(stderr).toContain('engine_too_large');
  expect(stderr).toContain('lower SLUICE_MAX_TOKENS');
});
