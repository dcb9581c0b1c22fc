/**
 * A small world around a real ledger: an in-memory store that behaves as Milvus does for us (upsert by key, delete by key range),
 * a queue that delivers at least once, producers and workers whose every step can be the last. The ledger and its Valkey are
 * real; time is the test's own.
 */
import { chunkId, documentKey, type Logger, type Revision, revisionHex, revisionKey, silentLogger } from '@sluice/core';
import {
  type ChunkJob,
  type ChunkRef,
  chunkIdOf,
  connectRedis,
  type Fence,
  jobId,
  type Ledger,
  type LineAddress,
  openLedger,
  openRuns,
  type Redis,
} from '@sluice/queue';

export const TOKENS = 10;
export const CUT = 'cut00001';

export interface World {
  redis: Redis;
  address: LineAddress;
  ledger: Ledger;
  runs: ReturnType<typeof openRuns>;
  /** Ids of stored rows. */
  rows: Set<string>;
  /** Jobs that wait. */
  jobs: ChunkJob[];
  /** Ids of failed jobs that the queue keeps for display: adding one of them again does nothing. */
  failed: Set<string>;
  add(job: ChunkJob): void;
  advance(ms: number): void;
  key(id: string): string;
  /** Prepare, enqueue, commit; or only the first steps. */
  handIn(id: string, content: string, options?: HandIn): Promise<Handed>;
  enqueue(handed: Handed, count?: number): void;
  commit(handed: Handed): Promise<string>;
  /** A worker does every job there is, in order. */
  workAll(worker?: string): Promise<void>;
  work(job: ChunkJob, worker?: string): Promise<string>;
  fence(job: ChunkJob, worker?: string): Promise<Fence>;
  write(job: ChunkJob): void;
  mark(job: ChunkJob, worker?: string): Promise<string>;
  die(job: ChunkJob, worker?: string): Promise<string>;
  /** Drains settling and cleaning until nothing is left. */
  settle(): Promise<void>;
  sweep(): Promise<number>;
  /** Ordinals of a revision that have a row. */
  rowsOf(id: string, revision: Revision): number[];
  allRowsOf(id: string): string[];
  state(id: string): ReturnType<Ledger['read']> extends Promise<(infer S)[]> ? Promise<S> : never;
}

interface HandIn {
  n?: number;
  run?: number;
  source?: number;
  producer?: string;
  cut?: string;
  revision?: Revision;
  until?: 'prepared' | 'enqueued' | 'committed';
}

export interface Handed {
  id: string;
  content: string;
  n: number;
  run: number | undefined;
  revision: Revision;
  generation: number;
  missing: number[];
  overtaken?: true;
  committed?: string;
}

export function hashOf(content: string): string {
  return content.padEnd(22, '.').slice(0, 22);
}

export function createWorld(
  url: string,
  {
    line = 'test',
    shards = 1,
    logger = silentLogger,
    redis = connectRedis(url, { role: 'producer', logger }),
  } = {} as {
    line?: string;
    shards?: number;
    logger?: Logger;
    redis?: Redis;
  },
): World {
  let us = 1_800_000_000_000_000n;
  const address: LineAddress = { line, epoch: 'e1', shards };
  const ledger = openLedger(redis, address, { timeUs: () => String(us++) });
  const rows = new Set<string>();

  const ref = ({ key, revision, ordinal }: ChunkRef): ChunkRef => ({ key, revision, ordinal });

  const world: World = {
    redis,
    address,
    ledger,
    runs: openRuns(redis, address),
    rows,
    jobs: [],
    failed: new Set(),
    add(job) {
      if (!world.failed.has(jobId(job))) world.jobs.push(job);
    },
    advance: (ms) => {
      us += BigInt(ms) * 1_000n;
    },
    key: (id) => documentKey({ line, id }),

    async handIn(id, content, { n = 2, run, source, producer = 'p1', cut = CUT, revision, until = 'committed' } = {}) {
      const [prepared] = await ledger.prepare([
        {
          key: world.key(id),
          id,
          hash: hashOf(content),
          cut,
          chunkCount: n,
          tokens: new Array<number>(n).fill(TOKENS),
          producer,
          run,
          source,
          revision,
        },
      ]);
      const handed: Handed = { id, content, n, run, ...prepared! };
      if (handed.overtaken) return handed;
      if (until !== 'prepared') world.enqueue(handed);
      if (until === 'committed') handed.committed = await world.commit(handed);
      return handed;
    },

    enqueue({ id, content, n, run, revision, generation, missing }, count = missing.length) {
      for (const ordinal of missing.slice(0, count)) {
        world.add({
          v: 1,
          key: world.key(id),
          revision,
          ordinal,
          chunkCount: n,
          documentId: id,
          text: content,
          context: '',
          start: 0,
          end: content.length,
          heading: [],
          tokens: { text: TOKENS, special: 0, instruction: 0 },
          hash: hashOf(`${content}#${ordinal}`),
          docHash: hashOf(content),
          metadata: {},
          ...(run !== undefined && { run: `r${run}` }),
          generation,
          epoch: address.epoch,
        });
      }
    },

    async commit({ id, revision }) {
      const [answer] = await ledger.commit([{ key: world.key(id), revision }]);
      return answer!;
    },

    async workAll(worker = 'w1') {
      for (let job = world.jobs.shift(); job !== undefined; job = world.jobs.shift()) await world.work(job, worker);
    },

    async work(job, worker = 'w1') {
      const { answer } = await world.fence(job, worker);
      if (answer === 'overtaken') rows.delete(chunkIdOf(job));
      if (answer !== 'current' && answer !== 'prepared') return answer;
      world.write(job);
      return world.mark(job, worker);
    },

    async fence(job, worker = 'w1') {
      const [fence] = await ledger.fence([ref(job)], worker);
      return fence!;
    },

    write: (job) => void rows.add(chunkIdOf(job)),

    async mark(job, worker = 'w1') {
      const [answer] = await ledger.mark([{ ...ref(job), tokens: TOKENS, reused: false }], worker);
      if (answer === 'overtaken') {
        rows.delete(chunkIdOf(job));
        await ledger.release([ref(job)], worker);
      }
      return answer!;
    },

    async die(job, worker = 'w1') {
      const [answer] = await ledger.dead(
        [{ ...ref(job), tokens: TOKENS, code: 'text_refused', reason: 'planted', job }],
        worker,
      );
      return answer!;
    },

    async settle() {
      for (;;) {
        const settling = await ledger.takeSettling(10);
        for (const { key, revision } of settling) deleteRange(key, revisionKey(key, revision));
        await ledger.settled(settling);
        const cleaning = await ledger.takeCleaning(10);
        for (const { key, revision } of cleaning)
          deleteRange(revisionKey(key, revision), `${revisionKey(key, revision)}g`);
        await ledger.cleaned(cleaning);
        if (settling.length + cleaning.length === 0) return;
      }
    },

    async sweep() {
      const found = await ledger.takeSweep();
      for (const item of found) rows.delete(chunkId(item.key, item.revision, item.ordinal));
      await ledger.swept(found);
      return found.length;
    },

    rowsOf(id, revision) {
      const prefix = world.key(id) + revisionHex(revision);
      return [...rows]
        .filter((row) => row.startsWith(prefix))
        .map((row) => Number.parseInt(row.slice(34), 16))
        .sort((a, b) => a - b);
    },

    allRowsOf: (id) => [...rows].filter((row) => row.startsWith(world.key(id))).sort(),

    state: (async (id: string) => (await ledger.read([world.key(id)]))[0]) as World['state'],
  };

  function deleteRange(from: string, to: string): void {
    for (const row of rows) if (row >= from && row < to) rows.delete(row);
  }
  return world;
}
