/**
 * Consuming a line's submissions: an ordinary BullMQ Worker. Each one ends in one of three ways: done, rejected for good with
 * its reason, or put off to be looked at again. Nothing else counts as an attempt: BullMQ's own stall limit is set so high that it
 * never decides. A job that was added without a place in the order gets it when it is first taken, and goes back to it.
 */
import { randomUUID } from 'node:crypto';
import { isSluiceError, SluiceError } from '@sluice/core';
import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { createAloneGate } from './alone-gate.ts';
import { STALLED_INTERVAL_MS, WORKER_LOCK_MS } from './chunk-worker.ts';
import { connectionOptions } from './connection.ts';
import { toQueueError } from './errors.ts';
import { openConnection } from './open-connection.ts';
import { ALONE_FROM_STALLS, createSubmissionDeaths } from './submission-deaths.ts';
import { rejectionText, SUBMISSION_QUEUE, submissionPlaces, submissionPrefix } from './submission-queue.ts';

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
  /** A submission was rejected. */
  onRejected?(error: SluiceError): void;
  /** Default 15 s; shorter only in tests. */
  lockMs?: number;
  stalledIntervalMs?: number;
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

/** How often what was placed and never added is looked for. */
const FORGET_LOST_MS = 60_000;
const RETRY_MS = 1_000;

/**
 * `consume` resolves when the document is accepted (or overtaken), throws a SluiceError of verdict `dead` to reject it, and
 * `PutOff` for everything that may pass.
 */
export function openSubmissionWorker(
  url: string,
  line: string,
  consume: (job: SubmissionJob) => Promise<void>,
  {
    concurrency,
    onError,
    onRejected = () => undefined,
    lockMs = WORKER_LOCK_MS,
    stalledIntervalMs = STALLED_INTERVAL_MS,
  }: SubmissionWorkerOptions,
): SubmissionWorker {
  const redis = openConnection(url, { ...connectionOptions('worker'), maxRetriesPerRequest: null });
  redis.on('error', (error) => onError(toQueueError(error)));
  const prefix = submissionPrefix(line);
  const places = submissionPlaces(redis, line);
  const deaths = createSubmissionDeaths(redis, { prefix, worker: randomUUID() });
  const gate = createAloneGate();

  async function process(job: Job, token?: string): Promise<void> {
    try {
      await takePlace(job, token);
      const alone = job.stalledCounter >= ALONE_FROM_STALLS;
      await gate.enter(() => consumeOne(job, { alone }), { alone });
    } catch (error) {
      if (error instanceof WaitingError) throw error;
      if (error instanceof PutOff) {
        // If Redis is away the job stays active until its lock ends, and is taken over then.
        await job
          .moveToDelayed(Date.now() + error.ms, token)
          .catch((failure: unknown) => onError(toQueueError(failure)));
        throw new DelayedError();
      }
      await end(job);
      const rejected = isSluiceError(error)
        ? error
        : new SluiceError('service_failed', { message: 'The submission failed in an unknown way', cause: error });
      onRejected(rejected);
      throw new UnrecoverableError(rejectionText(rejected));
    }
    await end(job);
  }

  /** A job that other clients added stands at the head of its class; whoever goes before it there is let by. */
  async function takePlace(job: Job, token?: string): Promise<void> {
    const { revision, ...data } = (job.data ?? {}) as { revision?: unknown };
    if (revision !== undefined) return;
    const later = await orPutOff(async () => {
      const [priority] = await places.place([{ ...data, jobId: job.id! }]);
      if (Number(job.priority) === priority) return false;
      await job.changePriority({ priority: priority! });
      if (!(await places.goesLater(priority!))) return false;
      await job.moveToWait(token);
      return true;
    });
    if (later) throw new WaitingError();
  }

  async function consumeOne(job: Job, { alone }: { alone: boolean }): Promise<void> {
    if (!alone) return consume({ id: job.id!, data: job.data, madeAtMs: job.timestamp });
    if ((await orPutOff(() => deaths.enter(job.id!))) === 'poison') {
      await deaths.survived(job.id!);
      throw new SluiceError('poison', {
        message: 'Processes died three times while they cut this document alone',
        fix: 'Look at the log of whoever chunks, then at the document.',
      });
    }
    try {
      await consume({ id: job.id!, data: job.data, madeAtMs: job.timestamp });
    } finally {
      await deaths.survived(job.id!);
    }
  }

  /** What Redis cannot answer now is asked again later. */
  async function orPutOff<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      onError(toQueueError(error));
      throw new PutOff(RETRY_MS);
    }
  }

  /** Its tokens are on their way no more. If that cannot be said now, the job cannot end either, and comes again. */
  async function end(job: Job): Promise<void> {
    await places.ended(job.id!).catch(onError);
  }

  const worker = new Worker(SUBMISSION_QUEUE, process, {
    connection: redis,
    prefix,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: 1_000_000_000,
    removeOnComplete: { count: 0 },
  });
  worker.on('error', (error) => onError(toQueueError(error)));
  const forgetLost = () => void places.forgetLost().catch(onError);
  forgetLost();
  const forgetting = setInterval(forgetLost, FORGET_LOST_MS);

  return {
    async close() {
      clearInterval(forgetting);
      await worker.close();
      redis.disconnect();
    },
  };
}
