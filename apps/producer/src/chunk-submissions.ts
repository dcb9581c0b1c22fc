/**
 * Submissions to chunks: cut, prepare under the revision that was drawn at acceptance, enqueue, commit. A submission that comes
 * twice (its consumer died, its producer was not answered) finds its revision again and changes nothing.
 *
 * A submission ends **done** (committed, overtaken by a later one, or of what is stored already), **rejected** with its reason (what is wrong lies in the
 * document or the job), or is **put off**: an outage, no room for work that nobody has admitted yet, a later schema version.
 * A verdict `stop` ends the consumer, and so does a ledger that lost its data, whether anything is submitted or not.
 */
import { randomUUID } from 'node:crypto';
import type { ChunkerPool } from '@sluice/chunker';
import {
  contentHash,
  createBackoff,
  createErrorCollapser,
  documentKey,
  isSluiceError,
  type Logger,
  type Releaser,
  type Revision,
  SluiceError,
  type SourceDocument,
  totalTokens,
  verdictOf,
} from '@sluice/core';
import type { Line } from '@sluice/line';
import { openSubmissionWorker, type Priority, PutOff, parseSubmission, type SubmissionJob } from '@sluice/queue';
import { createProgressWatch, type Health, type Metrics } from '@sluice/telemetry';
import { chunkJobs } from './chunk-jobs.ts';
import { toDocument } from './source/parse-record.ts';

export interface ChunkSubmissionsOptions {
  line: Pick<Line, 'name' | 'address' | 'ledger' | 'queue' | 'admission' | 'config' | 'proveLedger'>;
  pool: ChunkerPool;
  cutId: string;
  logger: Logger;
  /** Told when documents are in hand and none of them ends. */
  health: Pick<Health, 'watch'>;
  metrics: Pick<Metrics, 'count'>;
  releaser: Releaser;
}

export interface SubmissionConsumer {
  /** Rejects with what stopped it; resolves when it was closed. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

/** More keep the chunker's threads busy while others wait for Redis; each holds one document. */
const CONCURRENCY = 16;
/** How long what waiting for seconds will not change is put off: a later version, a Redis full of the ledger. */
const LATER_MS = 30_000;
/** Failures of a kind that nobody understands until a submission is rejected. */
const ATTEMPTS = 5;
/** How often the ledger is looked at while nothing is submitted. */
const PROVE_MS = 2_000;

export function chunkSubmissions(options: ChunkSubmissionsOptions): SubmissionConsumer {
  const { line, pool, logger } = options;
  const { ledger, queue, admission } = line;
  const producer = `submissions-${randomUUID()}`;
  const collapse = createErrorCollapser(logger);
  const backoff = createBackoff({ capMs: 10_000, floorMs: 500 });
  const attempts = new Map<string, number>();
  const progress = createProgressWatch({ stallMs: line.config.SLUICE_STALL_SECONDS * 1_000, of: 'documents' });
  options.health.watch(() => progress.stuck());
  let inHand = 0;
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();

  async function consume(job: SubmissionJob): Promise<void> {
    countInHand(1);
    try {
      await chunk(job);
      attempts.delete(job.id);
    } catch (error) {
      throw outcomeOf(error, job);
    } finally {
      progress.finished();
      countInHand(-1);
    }
  }

  function countInHand(by: -1 | 0 | 1): void {
    inHand += by;
    progress.told({ work: inHand, excused: false });
  }

  async function chunk(job: SubmissionJob): Promise<void> {
    const { v: _v, priority = 'live', submission, revision, ...record } = parseSubmission(job.data);
    // As it lies in the job: the schema's copy has lost a key called __proto__.
    const document = toDocument({ ...record, metadata: (job.data as typeof record).metadata });
    checkSize(document);
    if (revision === undefined) await admission.admit({ priority, tenant: document.tenant ?? '' });
    const key = documentKey({ line: line.name, tenant: document.tenant, id: document.id });
    const hash = contentHash(document);
    const drawn = revision ?? (await draw(job, { key, hash, document, submission }));
    if (drawn === undefined) return;
    const { chunks } = await pool.cut(document);
    if (chunks.length === 0) {
      throw new SluiceError('empty_document', { message: 'The document has no text once its markup is taken away' });
    }
    await accept({ document, key, hash, chunks, revision: drawn, priority });
  }

  /**
   * Of a producer that could not ask: ordered by the time at which its job was made, the same in every repetition. Undefined: the
   * document is stored with this content.
   */
  async function draw(
    job: SubmissionJob,
    {
      key,
      hash,
      document,
      submission,
    }: { key: string; hash: string; document: SourceDocument; submission: string | undefined },
  ): Promise<Revision | undefined> {
    const [reserved] = await ledger.reserve([
      {
        key,
        id: document.id,
        tenant: document.tenant,
        hash,
        submission: submission === undefined ? `job:${job.id}` : `queue:${submission}`,
        madeAtMs: job.madeAtMs,
      },
    ]);
    if (!reserved!.conflict) return reserved!.unchanged ? undefined : reserved!.revision;
    throw new SluiceError('idempotency_conflict', {
      message: 'The submission has the idempotency key of an earlier one and other content',
    });
  }

  async function accept({
    document,
    key,
    hash,
    chunks,
    revision,
    priority,
  }: {
    document: SourceDocument;
    key: string;
    hash: string;
    chunks: Awaited<ReturnType<ChunkerPool['cut']>>['chunks'];
    revision: Revision;
    priority: Priority;
  }): Promise<void> {
    const [prepared] = await ledger.prepare([
      {
        key,
        id: document.id,
        tenant: document.tenant,
        hash,
        cut: options.cutId,
        chunkCount: chunks.length,
        tokens: chunks.map(({ tokens }) => totalTokens(tokens)),
        producer,
        revision,
        priority,
      },
    ]);
    if (prepared!.overtaken) return;
    const { epoch } = line.address;
    const jobs = chunkJobs({ document, key, hash, chunks, prepared: prepared!, epoch, priority });
    await queue.add([...jobs.keys()], { priorityOf: (job) => jobs.get(job)! });
    const [committed] = await ledger.commit([{ key, revision: prepared!.revision }]);
    if (committed === 'unknown') {
      throw new SluiceError('ledger_lost', {
        message: 'The ledger forgot a revision that was just prepared',
        where: `line ${line.name}`,
      });
    }
    // Its head went while it was enqueued: looked at again, it is overtaken.
    if (committed === 'abandoned') throw new PutOff(1_000);
  }

  function checkSize({ text }: SourceDocument): void {
    const most = line.config.SLUICE_MAX_DOCUMENT_BYTES;
    const bytes = Buffer.byteLength(text);
    if (bytes <= most) return;
    throw new SluiceError('document_too_large', {
      message: 'The document is larger than a document may be',
      expected: `at most ${most} bytes`,
      got: `${bytes} bytes`,
    });
  }

  /** What is thrown for an error: `PutOff`, or the reason of the rejection. */
  function outcomeOf(error: unknown, job: SubmissionJob): unknown {
    if (error instanceof PutOff) return error;
    const code = isSluiceError(error) ? error.code : undefined;
    const verdict = verdictOf(error);
    if (verdict === 'stop' && code !== 'ledger_full') {
      stop(error);
      return new PutOff(LATER_MS);
    }
    if (verdict === 'dead') {
      attempts.delete(job.id);
      logger.warn({ event: 'submission rejected', job: job.id, err: error }, 'rejected');
      return error;
    }
    if (verdict === 'unknown') {
      const failures = (attempts.get(job.id) ?? 0) + 1;
      attempts.set(job.id, failures);
      if (failures >= ATTEMPTS) {
        attempts.delete(job.id);
        logger.error({ event: 'submission rejected', job: job.id, err: error }, 'rejected after five attempts');
        return error;
      }
    }
    collapse(error, 'a submission is put off');
    if (code === 'newer_job' || code === 'ledger_full') return new PutOff(LATER_MS);
    return new PutOff(backoff.next(isSluiceError(error) ? error.retryAfterMs : undefined));
  }

  function stop(error: unknown): void {
    logger.fatal({ event: 'line stopped', line: line.name, err: error }, 'submissions stop');
    reject(error);
  }

  // What Redis answers otherwise is for those who have something to hand in.
  const proving = setInterval(() => {
    countInHand(0);
    line.proveLedger().catch((error: unknown) => {
      if (verdictOf(error) === 'stop') stop(error);
    });
  }, PROVE_MS);
  const worker = openSubmissionWorker(line.config.SLUICE_REDIS_URL!, line.name, consume, {
    concurrency: CONCURRENCY,
    onError: (error) => collapse(error, 'the submission queue is in trouble'),
    onRejected: ({ code }) => options.metrics.count('submissions_rejected_total', 1, { reason: code }),
  });
  const close = async () => {
    clearInterval(proving);
    await worker.close();
    await ledger.leave(producer).catch(() => undefined);
    resolve();
  };
  options.releaser.push(`the submissions of ${line.name}`, close);
  logger.info({ event: 'submissions served', line: line.name }, 'chunking submissions');
  return { finished, close };
}
