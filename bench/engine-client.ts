/**
 * What the engine client costs: CPU time of this process per 1,000 vectors of 1,024 dimensions over the loopback, base64 against
 * JSON numbers, from a server in another process that answers at once. One command: `node bench/engine-client.ts`.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine, nullVector } from '@sluice/embedder';

const DIMENSION = 1_024;
const ROWS = 32;
const WARM_UP = 30;
const REQUESTS = 100;
const ROUNDS = 5;

if (process.argv[2] === 'serve') serve();
else await measure();

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

async function measure(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)));
  console.log(
    `machine: ${cpus()[0]?.model}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  );
  console.log(
    `configuration: ${ROWS} rows a request, ${DIMENSION} dimensions, ${REQUESTS} requests a round, ${ROUNDS} rounds, interleaved`,
  );
  const cost = { base64: [] as number[], numbers: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ['base64', 'numbers'] as const)
      cost[kind].push(await cpuPerThousand(`http://127.0.0.1:${port}/${kind}`));
  }
  child.kill();
  for (const [kind, values] of Object.entries(cost)) {
    const sorted = values.toSorted((a, b) => a - b);
    const [min, median, max] = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
    console.log(
      `${kind.padEnd(8)} ms of CPU per 1,000 vectors: min ${min.toFixed(1)}, median ${median.toFixed(1)}, max ${max.toFixed(1)}`,
    );
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  console.log(`numbers cost ${(median(cost.numbers) / median(cost.base64)).toFixed(1)} × base64`);
}

async function cpuPerThousand(url: string): Promise<number> {
  const { config } = loadConfig([{ name: 'bench', values: { SLUICE_ENGINE_URL: url } }]);
  const engine = await createEngine(config, { logger: silentLogger });
  const request = { texts: new Array(ROWS).fill('text'), tokens: new Array(ROWS).fill(100), role: 'passage' as const };
  for (let i = 0; i < WARM_UP; i++) await engine.embed(request);
  const before = process.cpuUsage();
  for (let i = 0; i < REQUESTS; i++) await engine.embed(request);
  const { user, system } = process.cpuUsage(before);
  await engine.close();
  return (user + system) / 1_000 / ((REQUESTS * ROWS) / 1_000);
}
