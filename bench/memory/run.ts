/**
 * Memory of producer and worker over a long run: one NDJSON file of long documents, an engine that answers at once, real servers. What is
 * promised is the peak, and that it does not grow: the mean of the last quarter of the run against that of the second.
 * Then a fifth of it once more with the worker inside the command, as a newcomer has it who starts none.
 * Without a GPU to wait for, more chunks pass in a second than on any real line, so garbage comes faster than it ever will.
 */
import { join } from 'node:path';
import type { IngestSummary } from '@sluice/producer';
import { serveNull } from '../line/null-server.ts';
import { bench } from '../report/bench.ts';
import { openBenchStack } from '../stack/bench-stack.ts';
import { makeLongRecords } from './records.ts';
import { quarterMean, watchResident } from './resident.ts';

const DOCUMENT_CHARACTERS = 60_000;
/** Documents of the full form: 200,000 chunks and a few more. */
const DOCUMENTS = 25_000;
const DOCUMENTS_SHORT = 80;
const PLOTTED_POINTS = 150;
/** Share of the documents for the run with the worker inside. */
const INSIDE_SHARE = 0.2;

await bench({
  name: 'memory',
  question: 'what producer and worker keep in memory',
  async measure({ short, say }) {
    const documents = short ? DOCUMENTS_SHORT : DOCUMENTS;
    const stack = await openBenchStack();
    const server = await serveNull();
    try {
      say('writing the documents');
      const { file, bytes } = makeLongRecords(join(stack.folder, 'long.ndjson'), {
        documents,
        characters: DOCUMENT_CHARACTERS,
      });
      const settings = { SLUICE_ENGINE: 'modelled', SLUICE_ENGINE_URL: server.url, SLUICE_DIMENSION: '256' };
      const working = await stack.worker(settings);
      say('the run');
      const workerWatch = watchResident(working.child.pid!);
      const startedAt = performance.now();
      const running = stack.sluice(['ingest', file, '--wait', '--json'], settings);
      const producerWatch = watchResident(running.child.pid!);
      const producer = await running.finished();
      const seconds = (performance.now() - startedAt) / 1_000;
      const courses = { producer: producerWatch.stop(), worker: workerWatch.stop() };
      const worker = await working.stop();
      const { chunks } = running.lines.at(-1) as unknown as IngestSummary;
      if (chunks.stored !== chunks.accepted)
        throw new Error(`${chunks.stored} of ${chunks.accepted} chunks are stored`);

      say('the run with its worker inside');
      const fewer = makeLongRecords(join(stack.folder, 'fewer.ndjson'), {
        documents: Math.ceil(documents * INSIDE_SHARE),
        characters: DOCUMENT_CHARACTERS,
      });
      const both = stack.sluice(['ingest', fewer.file, '--wait', '--json', '--line', 'inside'], settings);
      const bothWatch = watchResident(both.child.pid!);
      const inside = await both.finished();
      const insideCourse = bothWatch.stop();
      const stored = (both.lines.at(-1) as unknown as IngestSummary).chunks;
      if (stored.stored !== stored.accepted)
        throw new Error(`${stored.stored} of ${stored.accepted} chunks are stored`);

      const figures = (
        [
          ['producer', producer.peakMB],
          ['worker', worker.peakMB],
        ] as const
      ).flatMap(([name, peakMB]) => [
        { name: `peak, ${name}`, unit: 'MB', runs: [peakMB], limit: { atMost: 300 } },
        {
          name: `last quarter over second, ${name}`,
          unit: '×',
          runs: [quarterMean(courses[name], 3) / quarterMean(courses[name], 1)],
          limit: { atMost: 1.05 },
        },
      ]);
      return {
        configuration: {
          documents,
          chunks: chunks.stored,
          'MB of text': Math.round(bytes / 1e6),
          dimension: 256,
          servers: stack.servers,
          engine: 'null, over HTTP',
        },
        figures: [
          ...figures,
          { name: 'peak, both in one process', unit: 'MB', runs: [inside.peakMB], limit: { atMost: 400 } },
          { name: 'chunks', unit: 'chunks/s, wall clock', runs: [chunks.stored / seconds] },
        ],
        courses: Object.entries({ ...courses, 'both in one process': insideCourse }).map(([name, points]) => ({
          name,
          unit: 'MB',
          points: thinned(points).map(([at, value]): [number, number] => [at / 60, Math.round(value)]),
        })),
      };
    } finally {
      await server.close();
      await stack.stop();
    }
  },
});

function thinned<T>(points: readonly T[]): T[] {
  const step = Math.ceil(points.length / PLOTTED_POINTS);
  return points.filter((_, index) => index % step === 0);
}
