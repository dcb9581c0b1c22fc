/**
 * Documents that end the process that cuts them. As for chunks (poison.ts) none is blamed for dying in company: from its second stall a
 * submission is consumed **alone** in its process, and each time that is noted before and struck off when the process has
 * survived it. Three that stand, of at least two processes, and it is rejected.
 */
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';

export interface SubmissionDeaths {
  /** To be awaited before a submission is consumed alone. */
  enter(jobId: string): Promise<'go on' | 'poison'>;
  /** The process lives: nothing stands against the submission any more. Never throws; what could not be struck off is owed. */
  survived(jobId: string): Promise<void>;
}

export const ALONE_FROM_STALLS = 2;

export function aloneKey(prefix: string): string {
  return `${prefix}:submitted:alone`;
}

const POISON_DEATHS = 3;
const POISON_PROCESSES = 2;

/** `worker` names this process. A submission is in one process's hands at a time, so one step needs no script. */
export function createSubmissionDeaths(
  redis: Redis,
  { prefix, worker }: { prefix: string; worker: string },
): SubmissionDeaths {
  const alone = aloneKey(prefix);
  const owed = new Set<string>();

  async function survived(jobId: string): Promise<void> {
    owed.add(jobId);
    await redis.hdel(alone, ...owed).then(
      () => owed.clear(),
      () => undefined,
    );
  }

  return {
    survived,
    async enter(jobId) {
      if (owed.has(jobId)) await survived(jobId);
      const noted = await guarded(() => redis.hget(alone, jobId));
      const deaths = noted === null ? [] : noted.split(',');
      if (deaths.length >= POISON_DEATHS && new Set(deaths).size >= POISON_PROCESSES) return 'poison';
      await guarded(() => redis.hset(alone, jobId, [...deaths.slice(-POISON_DEATHS), worker].join(',')));
      return 'go on';
    },
  };
}
