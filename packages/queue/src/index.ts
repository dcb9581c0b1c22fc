export type { Redis } from 'ioredis';
export { type LineAddress, shardOf, shardPrefixes, shardTag } from './address.ts';
export {
  type Admission,
  type AdmissionOptions,
  type AdmissionState,
  BULK_SHARE,
  LEAST_JOB_TOKENS,
  LEDGER_BYTES_PER_DOCUMENT,
  MEMORY_PAUSE,
  type OnTheirWay,
  openAdmission,
  type Work,
} from './admission.ts';
export { type Allowances, openAllowances, type Spending } from './allowances.ts';
export {
  type ApiKey,
  type ApiKeys,
  type KeyLimits,
  type NewApiKey,
  openApiKeys,
  type Scope,
  scopes,
} from './api-keys.ts';
export { type BoardQueues, openBoardQueues } from './board-queues.ts';
export { checkRedis, durabilityFinding, type Finding, redisFindings } from './check-redis.ts';
export { type ChunkJob, chunkIdOf, chunkJobSchema, jobId, parseChunkJob } from './chunk-job.ts';
export { type ChunkQueue, openChunkQueue, QUEUE_NAME, type QueueCounts } from './chunk-queue.ts';
export { type ChunkWorker, openChunkWorker, STALLED_INTERVAL_MS, WORKER_LOCK_MS } from './chunk-worker.ts';
export { connectRedis, describeRedis, type RedisRole } from './connection.ts';
export type { DeadLetter, DeadLetterFilter, DeadLetters, Dropped, Retry } from './dead-letters.ts';
export type { Deletions, IdSpan } from './deletions.ts';
export { guarded, toQueueError } from './errors.ts';
export { chunkPriorities, isLive } from './fair-order.ts';
export type {
  Abandoned,
  Committed,
  Compare,
  Comparison,
  HandingIn,
  Prepare,
  Prepared,
  Remove,
  Removed,
  Reserve,
} from './handing-in.ts';
export { type Ledger, type LedgerOptions, openLedger } from './ledger.ts';
export type { EngineCall, Poison, Suspicion } from './poison.ts';
export type { EngineRequest, LiveWorker, Presence, Statistics, WorkerBeat, WorkerLoad } from './presence.ts';
export { openQueueMetrics, type QueueMetrics } from './queue-metrics.ts';
export type { DocumentRecord, DocumentState, DocumentStateName, LedgerCounts, Reading, Share } from './reading.ts';
export type { Adopt, Lease, Reconciling } from './reconciling.ts';
export { type RedisInfo, redisInfo } from './redis-info.ts';
export type { RejectedSubmission } from './rejected-submissions.ts';
export {
  openRuns,
  type Rejection,
  type Run,
  type RunAddition,
  type RunCounts,
  type RunRecord,
  type Runs,
} from './runs.ts';
export type { Settling, ToClean, ToSettle, ToSweep } from './settling.ts';
export { openSources, type Source, type Sources } from './sources.ts';
export { removeStrayJobs } from './stray-jobs.ts';
export {
  documentFields,
  type Priority,
  parseSubmission,
  priorities,
  type Submission,
  submissionJsonSchema,
} from './submission.ts';
export { estimatedTokens } from './submission-places.ts';
export { openSubmissionQueue, type SubmissionQueue, type SubmissionState } from './submission-queue.ts';
export { openSubmissionWorker, PutOff, type SubmissionJob, type SubmissionWorker } from './submission-worker.ts';
export type { ChunkRef, Death, Fence, FenceAnswer, Mark, MarkAnswer, Writing } from './writing.ts';
