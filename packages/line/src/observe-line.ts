/**
 * A line whose doings are counted and traced: the same verbs, with a listener at the doors to Milvus, to the queue and to the
 * ledger's transitions. What the line holds is asked when somebody scrapes.
 */
import { type Releaser, type Verdict, verdictOf } from '@sluice/core';
import { type ChunkJob, openQueueMetrics, openSubmissionQueue, redisInfo } from '@sluice/queue';
import type { Store } from '@sluice/store';
import type { Metrics, Telemetry, Tracing } from '@sluice/telemetry';
import type { Line } from './open-line.ts';

type Op = 'upsert' | 'delete' | 'query' | 'search' | 'witness';
type Outcome = 'ok' | Verdict;

export function observeLine(line: Line, { metrics, tracing }: Pick<Telemetry, 'metrics' | 'tracing'>): Line {
  const { ledger, runs, queue } = line;
  return {
    ...line,
    store: observeStore(line.store, metrics),
    queue: {
      ...queue,
      add: (jobs, options) =>
        timed(
          () => publish(tracing, jobs, (traceOf) => queue.add(jobs, { ...options, traceOf })),
          (seconds, outcome) => metrics.observe('enqueue_duration_seconds', seconds, { outcome }),
        ),
    },
    ledger: {
      ...ledger,
      async compare(items) {
        const answers = await ledger.compare(items);
        const unchanged = answers.filter(({ answer }) => answer === 'unchanged').length;
        metrics.count('documents_total', unchanged, { outcome: 'unchanged' });
        return answers;
      },
      async reserve(items) {
        const answers = await ledger.reserve(items);
        const unchanged = answers.filter((answer) => answer.unchanged).length;
        metrics.count('documents_total', unchanged, { outcome: 'unchanged' });
        return answers;
      },
      async commit(items) {
        const answers = await ledger.commit(items);
        const accepted = answers.filter((answer) => answer === 'current').length;
        metrics.count('documents_total', accepted, { outcome: 'accepted' });
        return answers;
      },
    },
    runs: {
      ...runs,
      async reject(run, items) {
        await runs.reject(run, items);
        for (const { skipped } of [items].flat())
          metrics.count('documents_total', 1, { outcome: skipped ? 'skipped' : 'rejected' });
      },
    },
  };
}

/** The same for a process that stays: its metrics say what the line holds too, and it is ready while Redis and Milvus are. */
export function watchLine(line: Line, telemetry: Telemetry, releaser: Releaser): Line {
  releaser.push('the metrics of the line', collectLine(line, telemetry.metrics));
  telemetry.health.depend({ name: 'redis', check: async () => void (await line.redis.ping()) });
  telemetry.health.depend({ name: 'milvus', check: () => line.store.checkHealth() });
  return observeLine(line, telemetry);
}

/** What the line holds, as gauges. Returns how to let go of what it needs. */
function collectLine(line: Line, metrics: Metrics): () => Promise<void> {
  const queueMetrics = openQueueMetrics(line.redis, line.address);
  const submissions = openSubmissionQueue(line.redis, line.name);
  metrics.collect(async () => {
    const [jobs, statistics, counts, workers, ageMs, redis, waiting] = await Promise.all([
      line.queue.counts(),
      line.ledger.statistics(),
      line.ledger.counts(),
      line.ledger.liveWorkers(),
      queueMetrics.oldestJobAgeMs(),
      redisInfo(line.redis),
      submissions.waiting(),
    ]);
    for (const state of ['waiting', 'active', 'delayed', 'failed'] as const)
      metrics.set('queue_jobs', jobs[state], { state });
    for (const state of ['open', 'stored', 'partial'] as const) metrics.set('documents', counts[state], { state });
    metrics.set('backlog_tokens', statistics.backlogTokens);
    metrics.set('dead_letters', counts.deadLetters);
    metrics.set('submissions_waiting', waiting);
    metrics.set('live_workers', workers.length);
    metrics.set('oldest_job_age_seconds', ageMs / 1_000);
    metrics.set('redis_memory_ratio', redis.maxBytes > 0 ? redis.usedBytes / redis.maxBytes : undefined);
    return queueMetrics.prometheus();
  });
  return async () => void (await Promise.all([queueMetrics.close(), submissions.close()]));
}

function observeStore(store: Store, metrics: Metrics): Store {
  const call = <T>(op: Op, work: () => Promise<T>) =>
    timed(work, (seconds, outcome) => metrics.observe('milvus_request_duration_seconds', seconds, { op, outcome }));
  return {
    ...store,
    upsert: (...given) => call('upsert', () => store.upsert(...given)),
    deleteKeys: (...given) => call('delete', () => store.deleteKeys(...given)),
    deleteRanges: (...given) => call('delete', () => store.deleteRanges(...given)),
    findVectors: (...given) => call('query', () => store.findVectors(...given)),
    rowsOf: (...given) => call('query', () => store.rowsOf(...given)),
    search: (...given) => call('search', () => store.search(...given)),
    witness: (...given) => call('witness', () => store.witness(...given)),
  };
}

async function timed<T>(work: () => Promise<T>, ended: (seconds: number, outcome: Outcome) => void): Promise<T> {
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  try {
    const result = await work();
    ended(seconds(), 'ok');
    return result;
  } catch (error) {
    ended(seconds(), verdictOf(error));
    throw error;
  }
}

/** One span a document, around the bulk that carries its chunks; each of its jobs carries the span's context. */
async function publish(
  tracing: Tracing,
  jobs: readonly ChunkJob[],
  add: (traceOf: (job: ChunkJob) => string | undefined) => Promise<void>,
): Promise<void> {
  const chunks = new Map<string, number>();
  for (const { key, revision } of jobs) chunks.set(key + revision, (chunks.get(key + revision) ?? 0) + 1);
  const traces = new Map<string, string | undefined>();
  const { promise: added, resolve, reject } = Promise.withResolvers<void>();
  const spans = [...chunks].map(([document, count]) =>
    tracing.span('publish chunks', { kind: 'producer', attributes: attributesOf(count) }, (span) => {
      traces.set(document, span.traceparent);
      return added;
    }),
  );
  add(({ key, revision }) => traces.get(key + revision)).then(resolve, reject);
  await Promise.all(spans);
}

function attributesOf(chunks: number): Record<string, string | number> {
  return {
    'messaging.system': 'bullmq',
    'messaging.operation.name': 'publish',
    'messaging.destination.name': 'chunks',
    'messaging.batch.message_count': chunks,
  };
}
