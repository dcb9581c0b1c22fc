/**
 * Consuming a line's submissions: an ordinary BullMQ Worker. Each one ends in one of three ways: done, rejected for good with
 * its reason, or put off to be looked at again. Nothing else counts as an attempt.
 */
import { isSluiceError, SluiceError } from '@sluice/core';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { STALLED_INTERVAL_MS, WORKER_LOCK_MS } from './chunk-worker.ts';
import { connectionOptions } from './connection.ts';
import { toQueueError } from './errors.ts';
import { openConnection } from './open-connection.ts';
import { rejectionText, SUBMISSION_QUEUE, submissionPrefix } from './submission-queue.ts';

/** A submission as its consumer sees it. */
export interface SubmissionJob {
  id: string;
  data: unknown;
  /** Wall clock of whoever added it, ms. */
  madeAtMs: number;
}

export interface SubmissionWorkerOptions {
  concurrency: number;
  /** Connection failures and lost locks, as `queue_*` errors. May come in quick succession: collapse them. */
  onError(error: Error): void;
}

/** Thrown by the consumer: look at the submission again after so long. */
export class PutOff extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`put off for ${ms} ms`);
    this.ms = ms;
  }
}

export interface SubmissionWorker {
  /** Waits for the submissions in hand. */
  close(): Promise<void>;
}

/** A document that ends the process so often is rejected: it is what ends it. */
const DEATHS = 20;

/**
 * `consume` resolves when the document is accepted (or overtaken), throws a SluiceError of verdict `dead` to reject it, and
 * `PutOff` for everything that may pass.
 */
export function openSubmissionWorker(
  url: string,
  line: string,
  consume: (job: SubmissionJob) => Promise<void>,
  { concurrency, onError }: SubmissionWorkerOptions,
): SubmissionWorker {
  const redis = openConnection(url, { ...connectionOptions('worker'), maxRetriesPerRequest: null });
  redis.on('error', (error) => onError(toQueueError(error)));

  async function process(job: Job, token?: string): Promise<void> {
    try {
      await consume({ id: job.id!, data: job.data, madeAtMs: job.timestamp });
    } catch (error) {
      if (error instanceof PutOff) {
        // If Redis is away the job stays active until its lock ends, and is taken over then.
        await job
          .moveToDelayed(Date.now() + error.ms, token)
          .catch((failure: unknown) => onError(toQueueError(failure)));
        throw new DelayedError();
      }
      const rejected = isSluiceError(error)
        ? error
        : new SluiceError('service_failed', { message: 'The submission failed in an unknown way', cause: error });
      throw new UnrecoverableError(rejectionText(rejected));
    }
  }

  const worker = new Worker(SUBMISSION_QUEUE, process, {
    connection: redis,
    prefix: submissionPrefix(line),
    concurrency,
    lockDuration: WORKER_LOCK_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: DEATHS,
    removeOnComplete: { count: 0 },
  });
  worker.on('error', (error) => onError(toQueueError(error)));

  return {
    async close() {
      await worker.close();
      redis.disconnect();
    },
  };
}
