/** What BullMQ itself knows of a line's queue, asked when somebody scrapes. */
import type { Redis } from 'ioredis';
import type { LineAddress } from './address.ts';
import { openQueues } from './chunk-queue.ts';
import { guarded } from './errors.ts';

export interface QueueMetrics {
  /** Milliseconds that the job which waits longest has waited; 0 where none waits. */
  oldestJobAgeMs(): Promise<number>;
  /** BullMQ's own counters in the Prometheus text format, one series a shard. */
  prometheus(): Promise<string>;
  close(): Promise<void>;
}

/** `redis` stays the caller's. */
export function openQueueMetrics(redis: Redis, address: LineAddress, { now = Date.now } = {}): QueueMetrics {
  const queues = openQueues(redis, address);
  return {
    oldestJobAgeMs: () =>
      guarded(async () => {
        const oldest = await Promise.all(
          queues.map(async (queue) => {
            const jobs = await queue.getJobs(['waiting', 'prioritized'], 0, 0, true);
            return jobs.map(({ timestamp }) => now() - timestamp);
          }),
        );
        return Math.max(0, ...oldest.flat());
      }),

    prometheus: () =>
      guarded(async () => {
        const texts = await Promise.all(
          queues.map((queue, shard) => queue.exportPrometheusMetrics({ line: address.line, shard: String(shard) })),
        );
        return grouped(texts);
      }),

    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

/** All series of one metric together under one head, as the format wants them. */
function grouped(texts: readonly string[]): string {
  const metrics = new Map<string, { head: string[]; series: string[] }>();
  for (const text of texts) {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1] ?? /^[^{ ]+/.exec(line)![0];
      const metric = metrics.get(name) ?? { head: [], series: [] };
      metrics.set(name, metric);
      if (!line.startsWith('#')) metric.series.push(line);
      else if (!metric.head.includes(line)) metric.head.push(line);
    }
  }
  return `${[...metrics.values()].flatMap(({ head, series }) => [...head, ...series]).join('\n')}\n`;
}
