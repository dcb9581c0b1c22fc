/**
 * Whole lines, files in to rows searchable, with modelled 3090s: one worker with one device, one worker with two behind one address,
 * then two and four workers with a device each. Each device's own schedule says what it did, so a slow timer of this machine costs
 * nothing but what it costs the line. At the end the null engine shows where the line itself ends, and what is full then.
 */
import { join } from 'node:path';
import { loadConfig, silentLogger } from '@sluice/core';
import { type EngineServer, type ModelledEngine, openModelledEngine, RTX_3090, serveEngine } from '@sluice/embedder';
import type { IngestSummary } from '@sluice/producer';
import { usefulShare } from '../batcher/useful-share.ts';
import { makeCorpus } from '../line/corpus.ts';
import { serveNull } from '../line/null-server.ts';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { openBenchStack } from '../stack/bench-stack.ts';

/** Eight chunks or so a document. */
const DOCUMENT_CHARACTERS = 60_000;

await bench({
  name: 'scale',
  question: 'what workers and devices add up to',
  async measure({ short, say }) {
    const perDevice = short ? 30 : 60;
    const set = short
      ? [
          { workers: 1, devices: 1 },
          { workers: 2, devices: 1 },
        ]
      : [
          { workers: 1, devices: 1 },
          { workers: 1, devices: 2 },
          { workers: 2, devices: 1 },
          { workers: 4, devices: 1 },
        ];
    const stack = await openBenchStack();
    const figures: Figure[] = [];
    const remarks: string[] = [];
    let alone = 0;
    try {
      for (const { workers, devices } of set) {
        const all = workers * devices;
        const name = `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${devices === 1 ? 'a device each' : `${devices} devices behind one address`}`;
        say(name);
        const corpus = makeCorpus(join(stack.folder, `corpus-${all}`), {
          documents: perDevice * all,
          characters: DOCUMENT_CHARACTERS,
        });
        const engines = await Promise.all(Array.from({ length: workers }, () => serveModelled(devices)));
        const line = `scale-${workers}-${devices}`;
        const running = [];
        for (const { server } of engines) running.push(await stack.worker(settingsOf(line, server)));
        // What preflight asked is not what is measured.
        for (const engine of engines) await engine.renew();
        await ingest(corpus.folder, settingsOf(line, engines[0]!.server));
        for (const worker of running) await worker.stop();
        const share = usefulShare(
          engines.flatMap((engine) => engine.statistics()),
          RTX_3090,
        );
        for (const { server } of engines) await server.close();
        if (all === 1) alone = share.useful;
        figures.push(
          { name: `useful tokens, ${name}`, unit: 'of the devices', runs: [share.useful], limit: { atLeast: 0.95 } },
          ...(all === 1
            ? [
                { name: `busy, ${name}`, unit: 'of the devices', runs: [share.busy], limit: { atLeast: 0.98 } },
                { name: `padding, ${name}`, unit: 'of the devices', runs: [share.padding], limit: { atMost: 0.03 } },
              ]
            : []),
          ...(workers > 1
            ? [{ name: `of linear, ${name}`, unit: '× one', runs: [share.useful / alone], limit: { atLeast: 0.95 } }]
            : []),
        );
      }
      for (const workers of short ? [1] : [1, 2, 4]) {
        say(`null engine, ${workers} workers`);
        const { chunksPerSecond, remark } = await nullLine(workers);
        figures.push({ name: `null engine, workers: ${workers}`, unit: 'chunks/s', runs: [chunksPerSecond] });
        remarks.push(remark);
      }
    } finally {
      await stack.stop();
    }

    function settingsOf(line: string, { url }: EngineServer): Record<string, string> {
      return { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: url, SLUICE_LINE: line, SLUICE_DIMENSION: '1024' };
    }

    async function ingest(folder: string, settings: Record<string, string>) {
      const startedAt = performance.now();
      const running = stack.sluice(['ingest', folder, '--wait', '--json'], settings);
      const usage = await running.finished();
      const summary = running.lines.at(-1) as unknown as IngestSummary;
      if (summary.chunks.stored !== summary.chunks.accepted) throw new Error('the line did not store every chunk');
      return { usage, chunks: summary.chunks.stored, seconds: (performance.now() - startedAt) / 1_000 };
    }

    /** Everything waits before the workers are let go, so that it is they who are measured. */
    async function nullLine(workers: number) {
      const server = await serveNull();
      const settings = settingsOf(`null-${workers}`, server);
      const corpus = makeCorpus(join(stack.folder, `null-${workers}`), {
        documents: short ? 40 : 150,
        characters: DOCUMENT_CHARACTERS,
        seed: 7,
      });
      const running = [];
      for (let i = 0; i < workers; i++) running.push(await stack.worker(settings));
      const before = stack.serverCpuMs();
      const { usage, chunks, seconds } = await ingest(corpus.folder, settings);
      const after = stack.serverCpuMs();
      let workerMs = 0;
      for (const worker of running) workerMs += (await worker.stop()).cpuMs;
      await server.close();
      const cpu = { producer: usage.cpuMs, workers: workerMs } as Record<string, number>;
      for (const [name, ms] of Object.entries(after)) cpu[name] = ms - (before[name] ?? 0);
      const cores = Object.entries(cpu).map(([name, ms]) => `${name} ${(ms / 1_000 / seconds).toFixed(2)}`);
      return {
        chunksPerSecond: chunks / seconds,
        remark: `Null engine, ${workers} ${workers === 1 ? 'worker' : 'workers'}, start-up included; cores in use: ${cores.join(', ')}.`,
      };
    }

    return {
      configuration: {
        device: `${RTX_3090.tokensPerSecond} padded tokens/s and ${RTX_3090.requestMs} ms a request`,
        'documents for each device': perDevice,
        servers: stack.servers,
      },
      figures,
      remarks,
    };
  },
});

/** An engine server whose devices can be replaced by new ones that have done nothing yet. */
async function serveModelled(devices: number) {
  const { config } = loadConfig([{ name: 'bench', values: {} }]);
  const open = () => openModelledEngine(config, { model: RTX_3090, devices });
  let current: ModelledEngine = await open();
  const facade: ModelledEngine = {
    ...current,
    embed: (request) => current.embed(request),
    statistics: () => current.statistics(),
  };
  const server = await serveEngine({
    engine: Promise.resolve(facade),
    model: 'modelled',
    port: 0,
    logger: silentLogger,
  });
  return {
    server,
    statistics: () => current.statistics(),
    async renew() {
      current = await open();
    },
  };
}
