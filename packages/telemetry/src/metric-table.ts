/**
 * Every metric there is: its type, what it counts, its labels with all the values that they may have, its buckets.
 * `docs/metrics.md` is this table; a test keeps the two equal. A label never holds an id, a URL or a key: its values are a
 * closed set, so that nobody's documents decide how many series there are.
 */
import { type ErrorCode, errorCodes } from '@sluice/core';

interface Row {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: Readonly<Record<string, readonly string[]>>;
  buckets?: readonly number[];
}

const row = <const R extends Row>(given: R): R => given;
const doubling = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from * 2 ** i);

const codes = Object.keys(errorCodes) as ErrorCode[];
const calls = ['ok', 'retry', 'split', 'dead', 'stop', 'unknown'] as const;

export const metricTable = {
  documents_total: row({
    type: 'counter',
    help: 'Documents handed in through this process. What becomes of those accepted: `documents` and `chunks_total`.',
    labels: { outcome: ['accepted', 'unchanged', 'rejected', 'skipped'] },
  }),
  chunks_total: row({
    type: 'counter',
    help: 'Chunks that this worker finished, by outcome. Handed back: they wait again, nothing is lost.',
    labels: { outcome: ['stored', 'reused', 'already-stored', 'overtaken', 'dead', 'handed-back'] },
  }),
  tokens_total: row({
    type: 'counter',
    help: 'Tokens of those chunks, instruction and special tokens included.',
    labels: { outcome: ['stored', 'reused', 'already-stored', 'overtaken', 'dead', 'handed-back'] },
  }),
  engine_request_duration_seconds: row({
    type: 'histogram',
    help: 'One request to the engine. Outcome: ok, or the verdict of its failure.',
    labels: { outcome: calls },
    buckets: doubling(0.01, 14),
  }),
  engine_batch_items: row({
    type: 'histogram',
    help: 'Texts in an engine request that succeeded.',
    labels: {},
    buckets: doubling(1, 12),
  }),
  engine_batch_tokens: row({
    type: 'histogram',
    help: 'Padded tokens of an engine request that succeeded: longest text times texts.',
    labels: {},
    buckets: doubling(64, 15),
  }),
  engine_padding_ratio: row({
    type: 'histogram',
    help: 'Share of an engine request that is padding, 0 to 1.',
    labels: {},
    buckets: [0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1],
  }),
  milvus_request_duration_seconds: row({
    type: 'histogram',
    help: 'One call to Milvus. Outcome: ok, or the verdict of its failure.',
    labels: { op: ['upsert', 'delete', 'query', 'search', 'witness'], outcome: calls },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  }),
  enqueue_duration_seconds: row({
    type: 'histogram',
    help: 'Adding a group of chunks to the queue, waiting for Redis included.',
    labels: { outcome: calls },
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  }),
  end_to_end_seconds: row({
    type: 'histogram',
    help: 'From the reservation of a revision (clock of Redis) until a chunk of it is stored (clock of the worker).',
    labels: {},
    buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600],
  }),
  queue_jobs: row({
    type: 'gauge',
    help: 'Jobs in the queue of chunks.',
    labels: { state: ['waiting', 'active', 'delayed', 'failed'] },
  }),
  submissions_waiting: row({
    type: 'gauge',
    help: 'Documents that were submitted and wait to be cut, those put off included.',
    labels: {},
  }),
  submissions_rejected_total: row({
    type: 'counter',
    help: 'Submissions that this process rejected, by error code.',
    labels: { reason: codes },
  }),
  oldest_job_age_seconds: row({
    type: 'gauge',
    help: 'Age of the job that has waited longest; 0 when none waits. A signal to scale by.',
    labels: {},
  }),
  backlog_tokens: row({
    type: 'gauge',
    help: 'Tokens enqueued and neither stored, dead nor overtaken. The signal to scale by.',
    labels: {},
  }),
  documents: row({
    type: 'gauge',
    help: 'Documents on record, by state.',
    labels: { state: ['open', 'stored', 'partial'] },
  }),
  live_workers: row({ type: 'gauge', help: 'Workers whose heartbeat is young.', labels: {} }),
  dead_letters: row({ type: 'gauge', help: 'Dead letters that nobody has retried or dropped.', labels: {} }),
  dead_letters_total: row({
    type: 'counter',
    help: 'Dead letters that this worker wrote, by error code.',
    labels: { reason: codes },
  }),
  retries_total: row({
    type: 'counter',
    help: 'Failures that were waited out, by what failed and why.',
    labels: { dependency: ['redis', 'engine', 'milvus', 'other'], reason: [...codes, 'foreign'] },
  }),
  breaker_open: row({
    type: 'gauge',
    help: '1 while requests to the engine pause because it is away, else 0.',
    labels: {},
  }),
  in_flight: row({ type: 'gauge', help: 'Engine requests under way.', labels: {} }),
  concurrency_limit: row({
    type: 'gauge',
    help: 'Engine requests that may be under way just now; less than configured after the engine was busy.',
    labels: {},
  }),
  held_chunks: row({ type: 'gauge', help: 'Chunks in the hands of this worker.', labels: {} }),
  stalled_total: row({
    type: 'counter',
    help: 'Jobs taken over from a worker that was lost, seen by this one.',
    labels: {},
  }),
  fenced_writes_total: row({
    type: 'counter',
    help: 'Chunks found overtaken before or after their write. Many: the same documents are handed in again and again.',
    labels: {},
  }),
  duplicate_in_batch_total: row({
    type: 'counter',
    help: 'Keys that came twice in one write. Anything but 0 is a defect.',
    labels: {},
  }),
  nan_vectors_total: row({
    type: 'counter',
    help: 'Vectors that came back null, NaN or infinite.',
    labels: {},
  }),
  redis_memory_ratio: row({
    type: 'gauge',
    help: 'Memory of Redis in use, as a share of maxmemory; absent where there is no limit.',
    labels: {},
  }),
  event_loop_delay_seconds: row({
    type: 'gauge',
    help: 'Delay of the event loop since the last scrape.',
    labels: { quantile: ['0.5', '0.99', '1'] },
  }),
  build_info: row({
    type: 'gauge',
    help: 'Always 1.',
    labels: { service: ['worker', 'serve', 'chunk-worker', 'ingest', 'board'] },
  }),
} as const satisfies Readonly<Record<string, Row>>;

type Table = typeof metricTable;
export type MetricName = keyof Table;
type OfType<T extends Row['type']> = { [N in MetricName]: Table[N]['type'] extends T ? N : never }[MetricName];
export type CounterName = OfType<'counter'>;
export type GaugeName = OfType<'gauge'>;
export type HistogramName = OfType<'histogram'>;
/** The labels of a metric, each one of its values. */
export type LabelsOf<N extends MetricName> = {
  readonly [L in keyof Table[N]['labels']]: Table[N]['labels'][L] extends readonly (infer V)[] ? V : never;
};
export const metricPrefix = 'sluice_';
