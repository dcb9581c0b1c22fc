/**
 * What the engine client costs for 1,000 vectors of 1,024 dimensions over the loopback, base64 against JSON numbers, from a server in
 * another process that answers at once with hashes (the null engine's vectors).
 *
 * Counted is processor time of this process, user and system, all threads, so the collector too: from the texts to checked vectors, with
 * everything in between (the request's JSON, HTTP, the kernel's copies of the loopback, parsing, decoding, the checks of count, index, dimension, finiteness and
 * length). Nothing is subtracted. The two kinds take turns, round by round, so that both see the same machine.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine, nullVector } from '@sluice/embedder';
import { bench } from '../report/bench.ts';

const DIMENSION = 1_024;
const ROWS = 32;
const WARM_UP = 30;

if (process.argv[2] === 'serve') serve();
else
  await bench({
    name: 'client',
    question: 'what it costs to take vectors from an engine',
    async measure({ short }) {
      const requests = short ? 50 : 100;
      const rounds = short ? 3 : 15;
      const child = fork(fileURLToPath(import.meta.url), ['serve']);
      const port = await new Promise<number>((resolve) =>
        child.once('message', (message) => resolve(message as number)),
      );
      const cost = { base64: [] as number[], numbers: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        for (const kind of ['base64', 'numbers'] as const)
          cost[kind].push(await cpuPerThousand(`http://127.0.0.1:${port}/${kind}`, requests));
      }
      child.kill();
      const unit = 'CPU ms per 1,000 vectors';
      return {
        configuration: {
          dimensions: DIMENSION,
          'rows a request': ROWS,
          'requests a round': requests,
          rounds,
          counted: 'user and system time of the client process, from texts to checked vectors, nothing subtracted',
        },
        figures: [
          { name: 'base64', unit, runs: cost.base64, limit: { atMost: 30 } },
          { name: 'JSON numbers', unit, runs: cost.numbers, baseline: true },
          {
            name: 'JSON numbers over base64',
            unit: '',
            runs: cost.numbers.map((numbers, round) => numbers / cost.base64[round]!),
            limit: { atLeast: 3 },
          },
        ],
      };
    },
  });

/** Two ready-made replies; the path says which. */
function serve(): void {
  const vectors = Array.from({ length: ROWS }, (_, i) => nullVector(String(i), DIMENSION));
  const reply = (shown: (vector: Float32Array) => unknown) =>
    JSON.stringify({ data: vectors.map((vector, index) => ({ index, embedding: shown(vector) })) });
  const base64 = reply((vector) => Buffer.from(vector.buffer).toString('base64'));
  const numbers = reply((vector) => [...vector]);
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end(request.url?.startsWith('/numbers') ? numbers : base64));
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function cpuPerThousand(url: string, requests: number): Promise<number> {
  const { config } = loadConfig([{ name: 'bench', values: { SLUICE_ENGINE_URL: url } }]);
  const engine = await createEngine(config, { logger: silentLogger });
  const request = { texts: new Array(ROWS).fill('text'), tokens: new Array(ROWS).fill(100), role: 'passage' as const };
  for (let i = 0; i < WARM_UP; i++) await engine.embed(request);
  const before = process.cpuUsage();
  for (let i = 0; i < requests; i++) await engine.embed(request);
  const { user, system } = process.cpuUsage(before);
  await engine.close();
  return (user + system) / 1_000 / ((requests * ROWS) / 1_000);
}
