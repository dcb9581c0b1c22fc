/**
 * Submissions that were refused for good, chosen as dead letters are. They have no chunk and no run; each is named by
 * `submission:` and the id of its job.
 */
import { SluiceError } from '@sluice/core';
import type { RejectedSubmission, SubmissionQueue } from '@sluice/queue';
import type { DeadSelection } from './dead-letters.ts';

const PREFIX = 'submission:';

type Rejections = Pick<SubmissionQueue, 'rejected' | 'rejectedOf' | 'removeRejected'>;

export function submissionName({ jobId }: Pick<RejectedSubmission, 'jobId'>): string {
  return PREFIX + jobId;
}

export function isSubmissionName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Newest first. Throws `unknown_dead_letter` for a name that has none. */
export async function* findRejected(
  submissions: Rejections,
  { chunks: names = [], run, documentId, code }: DeadSelection,
): AsyncGenerator<RejectedSubmission> {
  if (run !== undefined) return;
  if (names.length > 0) {
    for (const name of names) if (isSubmissionName(name)) yield await rejectedOf(submissions, name);
    return;
  }
  for await (const rejected of submissions.rejected()) {
    if (documentId !== undefined && rejected.documentId !== documentId) continue;
    if (code === undefined || rejected.code === code) yield rejected;
  }
}

async function rejectedOf(submissions: Rejections, name: string): Promise<RejectedSubmission> {
  const found = await submissions.rejectedOf(name.slice(PREFIX.length));
  if (found !== undefined) return found;
  throw new SluiceError('unknown_dead_letter', {
    message: `There is no rejected submission ${JSON.stringify(name.slice(0, 100))}`,
  });
}
