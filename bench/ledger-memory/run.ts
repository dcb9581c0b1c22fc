/**
 * Redis memory of a settled document. Every document goes through the protocol (prepare, commit, fence, mark) on a fresh Valkey, then
 * all of them are edited and settled once more; memory is `used_memory` afterwards minus before, all of the ledger included.
 * Beside it what the least ledger would take: a hash of a document's key and the hash of its content.
 */
import { documentKey, silentLogger } from '@sluice/core';
import { connectRedis, LEDGER_BYTES_PER_DOCUMENT, type Ledger, openLedger, type Redis, redisInfo } from '@sluice/queue';
import { startValkey } from '@sluice/test/valkey';
import { bench } from '../report/bench.ts';
import { noteRedis } from '../report/versions.ts';

const BATCH = 500;
const CHUNKS = 3;
const COMPARED = 128;

await bench({
  name: 'ledger-memory',
  question: 'what a settled document takes in Redis',
  async measure({ short, say }) {
    const documents = short ? 20_000 : 1_000_000;
    const valkey = await startValkey(['--maxmemory', '2gb', '--auto-aof-rewrite-percentage', '0']);
    await noteRedis(valkey.url);
    const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
    try {
      say('the least ledger');
      const least = (await usedAfter(redis, () => leastLedger(redis, documents))) / documents;
      // SYNC: what is freed behind the answer would be missing from what is measured next.
      await redis.flushall('SYNC');
      const ledger = openLedger(redis, { line: 'main', epoch: '0123456789abcdef', shards: 1 });
      say('handing in');
      const startedAt = performance.now();
      const once = (await usedAfter(redis, () => handInAll(ledger, documents, 'a'))) / documents;
      const perSecond = (documents * 1_000) / (performance.now() - startedAt);
      say('editing');
      const edited = once + (await usedAfter(redis, () => handInAll(ledger, documents, 'b'))) / documents;
      const { stored } = await ledger.counts();
      if (stored !== documents) throw new Error(`${stored} of ${documents} documents are stored`);
      const limit = { atMost: LEDGER_BYTES_PER_DOCUMENT };
      return {
        configuration: { documents, 'chunks a document': CHUNKS, server: 'Valkey with an AOF' },
        figures: [
          { name: 'a settled document', unit: 'bytes', runs: [once], limit },
          { name: 'a settled document, edited once', unit: 'bytes', runs: [edited], limit },
          { name: 'key and content hash alone', unit: 'bytes', runs: [least], baseline: true },
          { name: 'documents handed in, worked and settled', unit: 'a second', runs: [perSecond] },
          { name: 'unchanged documents compared', unit: 'a second', runs: [await compareRate(ledger, documents)] },
        ],
      };
    } finally {
      redis.disconnect();
      await valkey.stop();
    }
  },
});

async function usedAfter(redis: Redis, work: () => Promise<void>): Promise<number> {
  const before = await redisInfo(redis);
  await work();
  return (await redisInfo(redis)).usedBytes - before.usedBytes;
}

interface Named {
  id: string;
  key: ReturnType<typeof documentKey>;
  hash: string;
}

function named(from: number, count: number, content: string): Named[] {
  return Array.from({ length: count }, (_, i) => {
    const id = `corpus/folder-${from % 97}/document-${from + i}.md`;
    const key = documentKey({ line: 'main', id });
    return { id, key, hash: `${content}${Buffer.from(key).toString('base64url')}`.slice(0, 22) };
  });
}

async function handInAll(ledger: Ledger, documents: number, content: string): Promise<void> {
  for (let from = 0; from < documents; from += BATCH) {
    const batch = named(from, Math.min(BATCH, documents - from), content);
    const prepared = await ledger.prepare(
      batch.map((document) => ({
        ...document,
        cut: '0a1b2c3d',
        chunkCount: CHUNKS,
        tokens: [3_000, 3_000, 1_500],
        source: 12,
        run: 'r345',
        producer: 'bench',
      })),
    );
    const revisions = batch.map(({ key }, i) => ({ key, revision: prepared[i]!.revision }));
    await ledger.commit(revisions);
    const chunks = revisions.flatMap((item) =>
      Array.from({ length: CHUNKS }, (_, ordinal) => ({ ...item, ordinal, tokens: 2_500, reused: false })),
    );
    await ledger.fence(chunks, 'w1');
    await ledger.mark(chunks, 'w1');
    for (let taken = await ledger.takeSettling(BATCH); taken.length > 0; taken = await ledger.takeSettling(BATCH)) {
      await ledger.settled(taken);
    }
  }
}

async function leastLedger(redis: Redis, documents: number): Promise<void> {
  for (let from = 0; from < documents; from += BATCH) {
    const batch = named(from, Math.min(BATCH, documents - from), 'a');
    await redis.hset('least', Object.fromEntries(batch.map(({ key, hash }) => [key, hash])));
  }
}

/** Unchanged documents compared a second, one batch after the other. */
async function compareRate(ledger: Ledger, documents: number): Promise<number> {
  const items = named(0, Math.min(COMPARED, documents), 'b').map((document) => ({
    ...document,
    cut: '0a1b2c3d',
    source: 12,
    run: 'r346',
  }));
  const startedAt = performance.now();
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1) await ledger.compare(items);
  return (rounds * items.length * 1_000) / (performance.now() - startedAt);
}
