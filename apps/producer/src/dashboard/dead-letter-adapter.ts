/**
 * The ledger's dead letters as Bull Board sees a queue: the failed jobs of a queue that has no others. A retry goes through
 * the ledger like `sluice dead retry`; everything else that a board can do to a queue would break what the ledger promises.
 */
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import { chunkId } from '@sluice/core';
import { type Line, retryDead } from '@sluice/line';
import type { DeadLetter } from '@sluice/queue';
import { documentLink } from './shown-job.ts';

const DEAD_LETTERS = 'dead-letters';

type Board = Pick<Line, 'ledger' | 'queue'>;
type Job = Awaited<ReturnType<BaseAdapter['getJobs']>>[number];

export class DeadLetterAdapter extends BaseAdapter {
  readonly #line: Board;

  constructor(line: Board, description: string) {
    super('bullmq', {
      displayName: 'dead letters',
      description,
      externalJobUrl: ({ data }) => ({ displayText: 'Document', href: documentLink(data) ?? '/' }),
    });
    this.#line = line;
  }

  getName() {
    return DEAD_LETTERS;
  }
  getStatuses(): ReturnType<BaseAdapter['getStatuses']> {
    return ['latest', 'failed'];
  }
  getJobStatuses(): ReturnType<BaseAdapter['getJobStatuses']> {
    return ['failed'];
  }
  async getJobCounts(): ReturnType<BaseAdapter['getJobCounts']> {
    const { deadLetters } = await this.#line.ledger.counts();
    return { failed: deadLetters } as Awaited<ReturnType<BaseAdapter['getJobCounts']>>;
  }
  async getJobs(_statuses: unknown, start = 0, end = 9): Promise<Job[]> {
    const letters = await this.#line.ledger.newestDeadLetters(start, end - start + 1);
    return letters.map((letter) => this.#job(letter));
  }
  async getJob(id: string): Promise<Job | undefined> {
    if (!/^d[0-9a-f]{38}$/.test(id)) return undefined;
    const letter = await this.#line.ledger.deadLetterOf(id);
    return letter === undefined ? undefined : this.#job(letter);
  }
  async isPaused() {
    return false;
  }
  async getRedisInfo() {
    return null;
  }
  async getJobLogs(): Promise<string[]> {
    return [];
  }
  async getMetrics() {
    return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
  }
  async getGlobalConcurrency() {
    return null;
  }
  async getJobSchedulers() {
    return [];
  }
  async getJobSchedulersCount() {
    return 0;
  }

  addJob = refused;
  clean = refused;
  pause = refused;
  resume = refused;
  empty = refused;
  obliterate = refused;
  promoteAll = refused;
  removeJobScheduler = refused;
  updateJobScheduler = refused;
  runJobSchedulerNow = refused;
  setGlobalConcurrency = refused;

  #job(letter: DeadLetter): Job {
    const id = chunkId(letter.key, letter.revision, letter.ordinal);
    const { documentId, tenant, ordinal, chunkCount, tokens, revision, run, code, reason, worker, attempts, at } =
      letter;
    return {
      opts: {},
      retry: async () => void (await retryDead(this.#line, { chunks: [id] })),
      promote: refused,
      remove: refused,
      getState: async () => 'failed',
      toJSON: () => ({
        id,
        name: documentId,
        data: { documentId, tenant, ordinal, chunkCount, tokens: { total: tokens }, revision, run },
        failedReason: `${code}: ${reason}`,
        attemptsMade: attempts,
        // One time is known; without the middle one the board counts from 1970.
        timestamp: at,
        processedOn: at,
        finishedOn: at,
        processedBy: worker,
        progress: 0,
        stacktrace: [],
        returnvalue: undefined,
        opts: {},
        delay: 0,
      }),
    } as unknown as Job;
  }
}

async function refused(): Promise<never> {
  throw new Error('Dead letters can be retried here; to drop them use `npx sluice dead drop`.');
}
