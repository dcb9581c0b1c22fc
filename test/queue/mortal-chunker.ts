/** A consumer of submissions for tests: the document `deadly` ends the process, all others are done when it has been met. */
import { openSubmissionWorker } from '@sluice/queue';

const [url, line] = process.argv.slice(2);
openSubmissionWorker(
  url!,
  line!,
  async ({ data }) => {
    if ((data as { id: string }).id === 'deadly') process.kill(process.pid, 'SIGKILL');
  },
  { concurrency: 4, onError: () => undefined, lockMs: 500, stalledIntervalMs: 200 },
);
