/**
 * The queue of whole documents, one a line. It belongs to the line, not to a collection's epoch: what was submitted outlives a
 * line that is made anew. Services in TypeScript use `submit`; examples/python shows the same in Python.
 */
import { randomUUID } from 'node:crypto';
import { type DocumentKey, type Revision, revisionHex, type SluiceError } from '@sluice/core';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';
import {
  createRejectedSubmissions,
  type Rejected,
  type RejectedSubmissions,
  rejectionOf,
} from './rejected-submissions.ts';
import { parseSubmission, type Submission } from './submission.ts';
import { aloneKey } from './submission-deaths.ts';
import { createSubmissionPlaces, type SubmissionPlaces } from './submission-places.ts';

export const SUBMISSION_QUEUE = 'submissions';
const JOB_NAME = 'document';
/** Rejected submissions that are kept to be looked at. */
const REJECTED_KEPT = 10_000;
const EVENTS_KEPT = 1_000;
const JOBS_PER_BULK = 100;

export type SubmissionState = { state: 'waiting' } | ({ state: 'rejected' } & Rejected);

export interface SubmissionQueue extends RejectedSubmissions {
  /**
   * Hands documents in. When it returns they are in the queue; what refuses them is said there (`sluice serve`, Bull Board).
   * Throws `malformed_job` before anything is added, `queue_*` when Redis cannot take them: then some may be in, and adding all
   * of them again is right for submissions with a `submission` key.
   */
  submit(submissions: readonly Omit<Submission, 'v'>[]): Promise<void>;
  /** For services that drew revisions: adding the same revision again is harmless. */
  enqueue(items: readonly { key: DocumentKey; revision: Revision; submission: Omit<Submission, 'v'> }[]): Promise<void>;
  /** What became of an enqueued submission; undefined: it was chunked, or never enqueued. */
  stateOf(key: DocumentKey, revision: Revision): Promise<SubmissionState | undefined>;
  /** Documents that wait to be chunked, those put off included. */
  waiting(): Promise<number>;
  /** Of those, what has its place in the order: tokens by tenant, as an estimate, and how many documents that is. */
  onTheirWay: SubmissionPlaces['onTheirWay'];
  close(): Promise<void>;
  /** Removes the queue with everything in it. */
  drop(): Promise<void>;
}

/** `{sluice:<line>}`: the prefix under which BullMQ clients of any language find the line's submissions. */
export function submissionPrefix(line: string): string {
  return `{sluice:${line}}`;
}

/** For the queue and for its consumers. */
export function submissionPlaces(redis: Redis, line: string): SubmissionPlaces {
  return createSubmissionPlaces(redis, { prefix: submissionPrefix(line), queue: SUBMISSION_QUEUE });
}

export function openSubmissionQueue(redis: Redis, line: string): SubmissionQueue {
  const queue = new Queue(SUBMISSION_QUEUE, {
    prefix: submissionPrefix(line),
    connection: redis,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: { count: REJECTED_KEPT } },
  });
  // Errors of the connection are reported by whoever opened it; BullMQ would throw them without a listener.
  queue.on('error', () => undefined);

  const places = submissionPlaces(redis, line);

  async function add(jobs: { jobId: string; submission: Omit<Submission, 'v'> }[]): Promise<void> {
    for (let from = 0; from < jobs.length; from += JOBS_PER_BULK) {
      const slice = jobs.slice(from, from + JOBS_PER_BULK);
      const placed = await places.place(slice.map(({ jobId, submission }) => ({ jobId, ...submission })));
      const bulk = slice.map(({ jobId, submission }, i) => ({
        name: JOB_NAME,
        data: { v: 1, ...submission },
        opts: { priority: placed[i]!, jobId },
      }));
      await guarded(() => queue.addBulk(bulk));
    }
  }

  return {
    ...createRejectedSubmissions(queue),

    async submit(submissions) {
      for (const submission of submissions) parseSubmission({ v: 1, ...submission });
      await add(submissions.map((submission) => ({ jobId: randomUUID(), submission })));
    },

    enqueue: (items) =>
      add(
        items.map(({ key, revision, submission }) => ({
          jobId: submissionJobId(key, revision),
          submission: { ...submission, revision },
        })),
      ),

    stateOf: (key, revision) =>
      guarded(async () => {
        const id = submissionJobId(key, revision);
        // First the state: a job that is read before it fails has no reason yet.
        const state = await queue.getJobState(id);
        if (state === 'unknown') return undefined;
        if (state !== 'failed') return { state: 'waiting' };
        const job = await queue.getJob(id);
        return job && { state: 'rejected', ...rejectionOf(job.failedReason) };
      }),

    waiting: () =>
      guarded(async () => {
        const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed');
        return Object.values(counts).reduce((sum, count) => sum + count, 0);
      }),

    onTheirWay: places.onTheirWay,

    close: () => queue.close(),

    async drop() {
      await guarded(() => queue.obliterate({ force: true }));
      await places.drop();
      await guarded(() => redis.unlink(aloneKey(submissionPrefix(line))));
    },
  };
}

/** The Redis key of a submission's job. */
export function submissionJobKey(line: string, key: DocumentKey, revision: Revision): string {
  return `${submissionPrefix(line)}:${SUBMISSION_QUEUE}:${submissionJobId(key, revision)}`;
}

function submissionJobId(key: DocumentKey, revision: Revision): string {
  return `${key}${revisionHex(revision)}`;
}

/** What the consumer fails a job with. */
export function rejectionText({ code, what, where, expected, got }: SluiceError): string {
  const parts = [where === undefined ? what : `${what} (${where})`];
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (got !== undefined) parts.push(`got ${got}`);
  return `${code}: ${parts.join('; ')}`;
}
