/**
 * Whole lines, files in to rows searchable, with modelled 3090s: one worker with one device, one worker with two behind one address,
 * then two and four workers with a device each. Each device's own schedule says what it did, so a slow timer of this machine costs
 * nothing but what it costs the line. At the end the null engine shows where the line itself ends, what is full then, and what a plain
 * script takes on the same files.
 */
import { join } from 'node:path';
import { loadConfig, silentLogger } from '@sluice/core';
import {
  type DeviceModel,
  type EngineServer,
  type ModelledEngine,
  openModelledEngine,
  RTX_3090,
  serveEngine,
} from '@sluice/embedder';
import type { IngestSummary } from '@sluice/producer';
import { usefulShare } from '../batcher/useful-share.ts';
import { makeCorpus } from '../line/corpus.ts';
import { serveNull } from '../line/null-server.ts';
import { runPlain } from '../line/run-script.ts';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { openBenchStack } from '../stack/bench-stack.ts';
import { nullLine } from './null-line.ts';

/** Eight chunks or so a document. */
const DOCUMENT_CHARACTERS = 60_000;

await bench({
  name: 'scale',
  question: 'what workers and devices add up to',
  async measure({ short, say }) {
    const perDevice = short ? 20 : 90;
    const nullDocuments = short ? 40 : 300;
    // The short form has devices four times as fast.
    const speed = short ? 4 : 1;
    const model = {
      ...RTX_3090,
      tokensPerSecond: RTX_3090.tokensPerSecond * speed,
      requestMs: RTX_3090.requestMs / speed,
    };
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
    let nullServer: EngineServer | undefined;
    try {
      for (const { workers, devices } of set) {
        const all = workers * devices;
        const name = `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${devices === 1 ? 'a device each' : `${devices} devices behind one address`}`;
        say(name);
        const corpus = makeCorpus(join(stack.folder, `corpus-${all}`), {
          documents: perDevice * all,
          characters: DOCUMENT_CHARACTERS,
        });
        const engines = await Promise.all(Array.from({ length: workers }, () => serveModelled(model, devices)));
        const line = `scale-${workers}-${devices}`;
        const running = [];
        for (const { server } of engines) running.push(await stack.worker(settingsOf(line, server)));
        // What preflight asked is not what is measured.
        for (const engine of engines) await engine.renew();
        await ingest(corpus.folder, settingsOf(line, engines[0]!.server));
        for (const worker of running) await worker.stop();
        const share = usefulShare(
          engines.flatMap((engine) => engine.statistics()),
          model,
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
      nullServer = await serveNull();
      const { folder } = makeCorpus(join(stack.folder, 'null'), {
        documents: nullDocuments,
        characters: DOCUMENT_CHARACTERS,
        seed: 7,
      });
      for (const workers of short ? [1] : [1, 2, 4]) {
        const name = `null engine, workers: ${workers}`;
        say(name);
        const { tokens, tokensPerSecond, chunksPerSecond, cores, full } = await nullLine(
          stack,
          folder,
          nullServer.url,
          workers,
        );
        figures.push(
          { name, unit: 'chunks/s', runs: [chunksPerSecond] },
          { name, unit: 'k tokens/s', runs: [tokensPerSecond / 1_000] },
          ...Object.entries(cores).map(([part, used]) => ({ name: `${name}, ${part}`, unit: 'cores', runs: [used] })),
        );
        remarks.push(`${name}: ${full}.`);
        if (workers > 1) continue;
        const plain = await runPlain(stack, folder, 'plain_scale', nullServer.url);
        figures.push({
          name: 'null engine, plain script',
          unit: 'k tokens/s',
          runs: [tokens / 1_000 / plain.seconds],
          baseline: true,
        });
      }
    } finally {
      await nullServer?.close();
      await stack.stop();
    }

    function settingsOf(line: string, { url }: EngineServer): Record<string, string> {
      return { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: url, SLUICE_LINE: line, SLUICE_DIMENSION: '1024' };
    }

    async function ingest(folder: string, settings: Record<string, string>) {
      const running = stack.sluice(['ingest', folder, '--wait', '--json'], settings);
      await running.finished();
      const { chunks } = running.lines.at(-1) as unknown as IngestSummary;
      if (chunks.stored !== chunks.accepted) throw new Error('the line did not store every chunk');
    }

    return {
      configuration: {
        device: `${model.tokensPerSecond} padded tokens/s and ${model.requestMs} ms a request`,
        'documents for each device': perDevice,
        'documents on the null line': nullDocuments,
        servers: stack.servers,
      },
      figures,
      remarks,
    };
  },
});

/** An engine server whose devices can be replaced by new ones that have done nothing yet. */
async function serveModelled(model: DeviceModel, devices: number) {
  const { config } = loadConfig([{ name: 'bench', values: {} }]);
  const open = () => openModelledEngine(config, { model, devices });
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
