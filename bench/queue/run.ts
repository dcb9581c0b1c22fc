/**
 * What the queue costs: Redis memory of waiting chunks of 2,850 tokens, which carry their text, and of notes of 30 tokens, of which the job
 * is most, of the whole default backlog of either, which is bounded in tokens of which a note counts for 64; jobs a second
 * in and out, and the CPU of the process that adds or takes them. Adding is compared with one `add` after the other, on the same server.
 */
import { createChunker } from '@sluice/chunker';
import { chunkHash, contentHash, documentKey, loadConfig, silentLogger, totalTokens } from '@sluice/core';
import {
  type ChunkJob,
  connectRedis,
  jobId,
  LEAST_JOB_TOKENS,
  type LineAddress,
  openBoardQueues,
  openChunkQueue,
  openChunkWorker,
  type Redis,
  shardTag,
} from '@sluice/queue';
import { startValkey } from '@sluice/test/valkey';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { limits } from '../chunker/contenders.ts';
import { exampleCorpus, readCorpus } from '../chunker/corpus.ts';
import { bench } from '../report/bench.ts';
import { noteRedis } from '../report/versions.ts';

const TOKENS = 2_850;
/** How far a chunk of the corpus may be from it to be taken. */
const TOLERANCE = 350;
/** A note of a sentence or two: text, special tokens and instruction. */
const NOTE_TOKENS = 30;
const SPECIAL = 2;
const INSTRUCTION = 9;
const address: LineAddress = { line: 'bench', epoch: '0123456789abcdef', shards: 1 };

await bench({
  name: 'queue',
  question: 'what a waiting chunk costs, and how fast chunks come and go',
  async measure({ short, say }) {
    const rounds = short ? 1 : 5;
    const jobs = short ? 1_000 : 4_000;
    const backlogTokens = loadConfig([]).config.SLUICE_BACKLOG_TOKENS;
    const texts = await chunkTexts();
    const valkey = await startValkey(['--maxmemory', '2gb', '--auto-aof-rewrite-percentage', '0']);
    await noteRedis(valkey.url);
    const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
    const found = {
      bytes: [] as number[],
      noteBytes: [] as number[],
      one: [] as Rate[],
      bulk: [] as Rate[],
      taken: [] as Rate[],
      left: [] as number[],
    };
    try {
      for (let round = 1; round <= rounds; round++) {
        say(`round ${round} of ${rounds}`);
        // SYNC: memory that is freed behind the answer would be missing from what is measured next.
        await redis.flushall('SYNC');
        const few = jobsOf(texts, Math.ceil(jobs / 8));
        found.one.push(await rate(few.length, () => addOneByOne(valkey.url, few)));
        await redis.flushall('SYNC');
        const before = await usedBytes(redis);
        const many = jobsOf(texts, jobs);
        const queue = openChunkQueue(redis, address);
        found.bulk.push(await rate(many.length, () => queue.add(many)));
        found.bytes.push(
          (((await usedBytes(redis)) - before) / many.reduce((sum, job) => sum + totalTokens(job.tokens), 0)) * TOKENS,
        );
        found.taken.push(await rate(many.length, () => takeAll(valkey.url, many.length)));
        found.left.push((await usedBytes(redis)) - before);
        await redis.flushall('SYNC');
        const empty = await usedBytes(redis);
        const notes = openChunkQueue(redis, address);
        await notes.add(jobsOf(noteTexts(), jobs));
        found.noteBytes.push(((await usedBytes(redis)) - empty) / jobs);
        await notes.close();
        await queue.close();
      }
      say('filling the default backlog');
      await redis.flushall('SYNC');
      const chunks = Math.ceil((short ? 0.1 : 1) * (backlogTokens / TOKENS));
      const notes = Math.ceil(backlogTokens / Math.max(LEAST_JOB_TOKENS, NOTE_TOKENS));
      const queue = openChunkQueue(redis, address);
      for (let from = 0; from < chunks; from += 500) await queue.add(jobsOf(texts, Math.min(500, chunks - from), from));
      const backlogMB = (await usedBytes(redis)) / 1e6;
      const events = await redis.xlen(`${shardTag(address, 0)}:chunks:events`);
      await queue.close();
      const perSecond = (rates: Rate[]) => rates.map(({ perSecond }) => perSecond);
      const cpu = (rates: Rate[]) => rates.map(({ cpuMs }) => cpuMs);
      return {
        configuration: {
          jobs,
          rounds,
          'bytes of text a chunk': Math.round(
            texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / texts.length,
          ),
          'tokens a chunk': Math.round(texts.reduce((sum, { tokens }) => sum + tokens, 0) / texts.length),
          'default backlog': `${backlogTokens} tokens`,
          server: 'Valkey with an AOF',
        },
        figures: [
          { name: `Redis memory of a waiting chunk of ${TOKENS} tokens`, unit: 'bytes', runs: found.bytes },
          {
            name: `Redis memory of ${short ? 'a tenth of ' : ''}the default backlog, ${chunks.toLocaleString('en')} chunks`,
            unit: 'MB',
            runs: [backlogMB],
            limit: { atMost: 512, everyRun: true },
          },
          {
            name: `Redis memory of a waiting note of ${NOTE_TOKENS} tokens`,
            unit: 'bytes',
            runs: found.noteBytes,
          },
          {
            name: `Redis memory of the default backlog, were it notes, ${notes.toLocaleString('en')} at most, computed`,
            unit: 'MB',
            runs: found.noteBytes.map((bytes) => (bytes * notes) / 1e6),
            limit: { atMost: 512, everyRun: true },
          },
          {
            name: 'entries of the event stream at the full backlog',
            unit: '',
            runs: [events],
            limit: { atMost: 1_500, everyRun: true },
          },
          {
            name: 'Redis memory of the queue once it is drained',
            unit: 'bytes',
            runs: found.left,
            limit: { atMost: 1_000_000, everyRun: true },
          },
          { name: 'chunks added, in bulks', unit: 'jobs/s', runs: perSecond(found.bulk) },
          { name: 'chunks added, one after the other', unit: 'jobs/s', runs: perSecond(found.one), baseline: true },
          { name: 'adding, in bulks', unit: 'CPU ms a chunk', runs: cpu(found.bulk) },
          { name: 'adding, one after the other', unit: 'CPU ms a chunk', runs: cpu(found.one), baseline: true },
          { name: 'chunks taken and completed, 256 at a time', unit: 'jobs/s', runs: perSecond(found.taken) },
          { name: 'taking and completing', unit: 'CPU ms a chunk', runs: cpu(found.taken) },
        ],
      };
    } finally {
      redis.disconnect();
      await valkey.stop();
    }
  },
});

interface Rate {
  perSecond: number;
  /** Of this process, for one job. */
  cpuMs: number;
}

interface ChunkText {
  text: string;
  tokens: number;
}

async function rate(jobs: number, work: () => Promise<unknown>): Promise<Rate> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (jobs * 1_000) / (performance.now() - startedAt), cpuMs: (user + system) / 1_000 / jobs };
}

/** Chunks of about the wanted size that the example corpus is cut into: English, Vietnamese, Chinese. */
async function chunkTexts(): Promise<ChunkText[]> {
  const chunker = createChunker(createTokenizer(await loadTokenizerModel()), limits);
  return readCorpus(exampleCorpus)
    .flatMap((document) => chunker.cut(document).chunks)
    .map(({ text, tokens }) => ({ text, tokens: totalTokens(tokens) }))
    .filter(({ tokens }) => Math.abs(tokens - TOKENS) <= TOLERANCE);
}

function noteTexts(): ChunkText[] {
  return Array.from({ length: 97 }, (_, i) => ({
    text: `Note ${i}: the mill at the river turned ${i * 7} times before noon, and then the gate was shut.`,
    tokens: NOTE_TOKENS,
  }));
}

function jobsOf(texts: readonly ChunkText[], count: number, from = 0): ChunkJob[] {
  return Array.from({ length: count }, (_, i) => {
    const { text, tokens } = texts[(from + i) % texts.length]!;
    const documentId = `corpus/part-${(from + i) % 97}/document-${from + i}.md`;
    return {
      v: 1,
      key: documentKey({ line: address.line, id: documentId }),
      revision: '1795466774223587',
      ordinal: 0,
      chunkCount: 1,
      documentId,
      text,
      context: 'Sluice\nHow it works\n\n',
      start: 0,
      end: text.length,
      heading: ['Sluice', 'How it works'],
      tokens: { text: tokens - SPECIAL - INSTRUCTION, special: SPECIAL, instruction: INSTRUCTION },
      hash: chunkHash(text),
      docHash: contentHash({ text: documentId, format: 'text', metadata: {} }),
      metadata: { lang: 'en', path: documentId },
      run: 'r1',
      generation: 0,
      epoch: address.epoch,
    };
  });
}

/** BullMQ's own `add`, awaited each time: what a program does that does not think of it. */
async function addOneByOne(url: string, jobs: readonly ChunkJob[]): Promise<void> {
  const board = openBoardQueues(url, address);
  for (const job of jobs) await board.queues[0]!.add('chunk', job, { jobId: jobId(job) });
  await board.close();
}

async function takeAll(url: string, jobs: number): Promise<void> {
  let taken = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const worker = openChunkWorker(
    url,
    address,
    async () => {
      taken += 1;
      if (taken === jobs) resolve();
    },
    { concurrency: 256, onError: () => undefined },
  );
  await promise;
  await worker.close();
}

/** All of it, as `maxmemory` counts: the tables of keys and the few buffers of connections, too. */
async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1]);
}
