export { createBatcher } from './batcher.ts';
export { createItem, type Item } from './item.ts';
export * from './start-line-worker.ts';
export type { OnWorkerStep, WorkerStep } from './steps.ts';
export type { BatcherVerbs } from './verbs.ts';
export { type RunWorkerOptions, runWorker, type SluiceWorker } from './worker.ts';
