/**
 * One way of writing rows, in a process of its own, so that each pays for its own garbage. It gets an assignment a round and answers with
 * what the round cost. CPU is that of this process, all threads. A slice is the CPU time of the main thread between two turns of the event
 * loop; it is measured in requests of its own, because looking at every turn costs CPU itself.
 */
import { chunkHash, chunkId, documentKey, silentLogger } from '@sluice/core';
import { nullVector } from '@sluice/embedder';
import { connectStore, type Row } from '@sluice/store';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';

export const CONTENDERS = ['packed', 'sdk', 'sdk, Float32Array'] as const;
export type Contender = (typeof CONTENDERS)[number];

export interface Assignment {
  line: string;
  collection: string;
  dimension: number;
  text: keyof typeof PHRASES;
  /** Of the first request; each has a revision, and so fresh keys. */
  revision: number;
  requests: number;
  rowsPerRequest: number;
  inFlight: number;
  textBytes: number;
}

export interface Round {
  rowsPerSecond: number;
  cpuMsPerThousandRows: number;
  longestSliceMs: number;
}

type Write = (collection: string, rows: Row[]) => Promise<unknown>;
type Connection = { address: string; username: string; password: string };

const PHRASES = {
  English: 'The gate feeds water to the mill at the rate that the wheel can take. ',
  Vietnamese: 'Cửa cống đưa nước tới cối xay theo nhịp mà bánh xe chịu được. ',
};

const [name, connection] = process.argv.slice(2) as [Contender | undefined, string];
if (process.send !== undefined && name !== undefined) {
  const write = await openWriter(name, JSON.parse(connection) as Connection);
  process.on('message', (work: Assignment) => void runRound(write, work).then((round) => process.send?.(round)));
}

async function openWriter(contender: Contender, milvus: Connection): Promise<Write> {
  if (contender === 'packed') {
    const store = await connectStore({ ...milvus, logger: silentLogger });
    return (collection, rows) => store.upsert(collection, rows);
  }
  const sdk = new MilvusClient({ ...milvus, telemetry: { enabled: false }, maxRetries: 0 });
  await sdk.connectPromise;
  return async (collection, rows) => {
    const data = rows.map((row) => ({
      ...row,
      tenant: '',
      vector: contender === 'sdk' ? Array.from(row.vector) : row.vector,
    }));
    const reply = await sdk.upsert({ collection_name: collection, data: data as never, timeout: 120_000 });
    if (Number(reply.upsert_cnt) !== rows.length) throw new Error(`the SDK stored ${reply.upsert_cnt} rows`);
  };
}

async function runRound(write: Write, work: Assignment): Promise<Round> {
  const requests = Array.from({ length: work.requests }, (_, i) => rowsOf(work, work.revision + i));
  // What was left of making the rows is nothing that a way of writing costs.
  globalThis.gc?.();
  const cost = await measured(requests, work, write);
  const again = requests.slice(0, 2);
  const longestSliceMs = await longestSlice(() => measured(again, work, write));
  return { ...cost, longestSliceMs };
}

function rowsOf({ line, dimension, text: phrase, rowsPerRequest, textBytes }: Assignment, revision: number): Row[] {
  const key = documentKey({ line, id: 'bench' });
  const bytesPerCharacter = Buffer.byteLength(PHRASES[phrase]) / PHRASES[phrase].length;
  const length = Math.floor(textBytes / bytesPerCharacter) - 12;
  const fill = PHRASES[phrase].repeat(Math.ceil(length / PHRASES[phrase].length)).slice(0, length);
  return Array.from({ length: rowsPerRequest }, (_, ordinal) => {
    const text = `${String(revision).padStart(5)} ${String(ordinal).padStart(5)} ${fill}`;
    return {
      id: chunkId(key, String(revision), ordinal),
      doc_id: 'corpus/bench.md',
      rev: String(revision),
      ordinal,
      chunk_count: rowsPerRequest,
      chunk_hash: chunkHash(text),
      doc_hash: chunkHash(`${revision}`),
      text,
      start: ordinal * length,
      end: (ordinal + 1) * length,
      metadata: { heading: ['Sluice', 'How it works'], lang: 'en' },
      vector: nullVector(text, dimension),
    };
  });
}

async function measured(
  requests: Row[][],
  { collection, inFlight }: Assignment,
  write: Write,
): Promise<Omit<Round, 'longestSliceMs'>> {
  const rows = requests.reduce((sum, { length }) => sum + length, 0);
  const queue = [...requests];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await write(collection, next);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { rowsPerSecond: rows / seconds, cpuMsPerThousandRows: (user + system) / rows };
}

async function longestSlice(work: () => Promise<unknown>): Promise<number> {
  let watching = true;
  let longest = 0;
  const mainThreadUs = () => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  const watch = async () => {
    let before = mainThreadUs();
    while (watching) {
      await new Promise((done) => setImmediate(done));
      const now = mainThreadUs();
      longest = Math.max(longest, now - before);
      before = now;
    }
  };
  const finish = () => {
    watching = false;
  };
  await Promise.all([watch(), work().finally(finish)]);
  return longest / 1_000;
}
