/** The queues as Bull Board wants them: BullMQ's own objects, on a connection of their own. */
import { Queue } from 'bullmq';
import type { LineAddress } from './address.ts';
import { openQueues } from './chunk-queue.ts';
import { connectionOptions } from './connection.ts';
import { openConnection } from './open-connection.ts';
import { SUBMISSION_QUEUE, submissionPrefix } from './submission-queue.ts';

export interface BoardQueues {
  queues: Queue[];
  close(): Promise<void>;
}

export function openBoardQueues(url: string, address: LineAddress): BoardQueues {
  const connection = openConnection(url, { ...connectionOptions('reader'), maxRetriesPerRequest: null });
  connection.on('error', () => undefined);
  const submissions = new Queue(SUBMISSION_QUEUE, { connection, prefix: submissionPrefix(address.line) });
  submissions.on('error', () => undefined);
  const queues = [...openQueues(connection, address), submissions];
  return {
    queues,
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}
