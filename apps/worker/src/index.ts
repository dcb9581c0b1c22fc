export * from './start-line-worker.ts';
export type { OnWorkerStep, WorkerStep } from './steps.ts';
export { type RunWorkerOptions, runWorker, type SluiceWorker } from './worker.ts';
