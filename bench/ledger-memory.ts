/**
 * `node bench/ledger-memory.ts [--documents 1000000] [--json]`: Redis memory of a settled document. Every document goes through the
 * protocol (prepare, commit, fence, mark) on a fresh embedded Valkey; memory is `used_memory` afterwards minus before, all
 * of the ledger included. The promise is 150 bytes a document.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { documentKey, silentLogger } from '@sluice/core';
import { connectRedis, openLedger, redisInfo } from '@sluice/queue';
import { startValkey } from '@sluice/test/valkey';

const { values } = parseArgs({
  options: { documents: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});
const documents = Number(values.documents);
const valkey = await startValkey(['--maxmemory', '2gb', '--auto-aof-rewrite-percentage', '0']);
const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
const ledger = openLedger(redis, { line: 'main', epoch: '0123456789abcdef', shards: 1 });
const BATCH = 500;
const CHUNKS = 3;

try {
  const before = await redisInfo(redis);
  const startedAt = performance.now();
  for (let from = 0; from < documents; from += BATCH) {
    const keys = Array.from({ length: Math.min(BATCH, documents - from) }, (_, i) =>
      documentKey({ line: 'main', id: `corpus/folder-${from % 97}/document-${from + i}.md` }),
    );
    const prepared = await ledger.prepare(
      keys.map((key, i) => ({
        key,
        id: `corpus/folder-${from % 97}/document-${from + i}.md`,
        hash: Buffer.from(key).toString('base64url').slice(0, 22),
        cut: '0a1b2c3d',
        chunkCount: CHUNKS,
        tokens: [3_000, 3_000, 1_500],
        source: 12,
        run: 'r345',
        producer: 'bench',
      })),
    );
    const revisions = keys.map((key, i) => ({ key, revision: prepared[i]!.revision }));
    await ledger.commit(revisions);
    const chunks = revisions.flatMap((item) =>
      Array.from({ length: CHUNKS }, (_, ordinal) => ({ ...item, ordinal, tokens: 2_500, reused: false })),
    );
    await ledger.fence(chunks, 'w1');
    await ledger.mark(chunks, 'w1');
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await redisInfo(redis);
  const counts = await ledger.counts();
  if (counts.stored !== documents) throw new Error(`${counts.stored} of ${documents} documents are stored`);
  const rate = await compareRate();
  const result = {
    documents,
    bytesPerDocument: Math.round(((after.usedBytes - before.usedBytes) / documents) * 10) / 10,
    bytesPerDocumentInHash: Math.round(
      ((await redis.memory('USAGE', '{sluice:main:0123456789abcdef:0}:docs', 'SAMPLES', 0)) ?? 0) / documents,
    ),
    documentsPerSecond: Math.round(documents / seconds),
    comparesPerSecond: rate,
    server: `${after.server} ${after.version}`,
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}`,
  };
  process.stdout.write(
    `${
      values.json
        ? JSON.stringify(result)
        : Object.entries(result)
            .map(([name, value]) => `${name.padEnd(24)}${value}`)
            .join('\n')
    }\n`,
  );
} finally {
  redis.disconnect();
  await valkey.stop();
}

/** Unchanged documents compared a second, in batches of 128. */
async function compareRate(): Promise<number> {
  const keys = Array.from({ length: 128 }, (_, i) =>
    documentKey({ line: 'main', id: `corpus/folder-0/document-${i}.md` }),
  );
  const items = keys.map((key) => ({
    key,
    hash: Buffer.from(key).toString('base64url').slice(0, 22),
    cut: '0a1b2c3d',
    source: 12,
    run: 'r346',
  }));
  const startedAt = performance.now();
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1) await ledger.compare(items);
  return Math.round((rounds * items.length * 1_000) / (performance.now() - startedAt));
}
