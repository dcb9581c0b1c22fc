/**
 * Submissions that were refused for good, as people see them: where they came from and why, never their text. They are the failed
 * jobs of the queue, of which the latest are kept until somebody removes them.
 */
import type { Job, Queue } from 'bullmq';
import { guarded } from './errors.ts';

export interface Rejected {
  code: string;
  /** In words, without text of the document. */
  reason: string;
}

export interface RejectedSubmission extends Rejected {
  /** Id of its job, chosen by whoever added it. */
  jobId: string;
  /** As far as the job says it. */
  documentId?: string;
  tenant?: string;
  /** When it was rejected: wall clock, ms. */
  at: number;
}

export interface RejectedSubmissions {
  /** Newest first. */
  rejected(): AsyncIterable<RejectedSubmission>;
  /** One of them; undefined: there is none of this id, or it was not rejected. */
  rejectedOf(jobId: string): Promise<RejectedSubmission | undefined>;
  /** Removes those that are still there; how many. */
  removeRejected(jobIds: readonly string[]): Promise<number>;
}

/** Jobs in one look: each brings its document with it. */
const PAGE = 50;

export function createRejectedSubmissions(queue: Queue): RejectedSubmissions {
  async function rejectedJob(jobId: string): Promise<Job | undefined> {
    return (await queue.getJobState(jobId)) === 'failed' ? queue.getJob(jobId) : undefined;
  }

  return {
    async *rejected() {
      for (let from = 0; ; from += PAGE) {
        const jobs = await guarded(() => queue.getFailed(from, from + PAGE - 1));
        yield* jobs.map(toRejected);
        if (jobs.length < PAGE) return;
      }
    },

    rejectedOf: (jobId) =>
      guarded(async () => {
        const job = await rejectedJob(jobId);
        return job && toRejected(job);
      }),

    removeRejected: (jobIds) =>
      guarded(async () => {
        let removed = 0;
        for (const jobId of jobIds) {
          const job = await rejectedJob(jobId);
          await job?.remove();
          if (job !== undefined) removed += 1;
        }
        return removed;
      }),
  };
}

function toRejected({ id, data, failedReason, finishedOn = 0 }: Job): RejectedSubmission {
  const { id: documentId, tenant } = (data ?? {}) as { id?: unknown; tenant?: unknown };
  return {
    jobId: id!,
    ...(typeof documentId === 'string' && { documentId }),
    ...(typeof tenant === 'string' && { tenant }),
    ...rejectionOf(failedReason),
    at: finishedOn,
  };
}

/** `<code>: <words>`, as the consumer fails a job. */
export function rejectionOf(reason = ''): Rejected {
  const [, code = 'malformed_job', words = reason] = /^([a-z_]+): (.*)$/s.exec(reason) ?? [];
  return { code, reason: words };
}
