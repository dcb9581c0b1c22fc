import type { Releaser } from '@sluice/core';
import type { Line } from '@sluice/line';
import { openSubmissionQueue, type SubmissionQueue } from '@sluice/queue';

/** The submissions of a line, closed with the command. */
export function openSubmissions({ redis, name }: Pick<Line, 'redis' | 'name'>, releaser: Releaser): SubmissionQueue {
  const submissions = openSubmissionQueue(redis, name);
  releaser.push('the submission queue', () => submissions.close());
  return submissions;
}
