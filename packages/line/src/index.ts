export type { FaultKind } from './audit-document.ts';
export * from './dead-letters.ts';
export * from './observe-line.ts';
export * from './open-line.ts';
export * from './query.ts';
export * from './reconcile.ts';
export * from './rejected-submissions.ts';
export * from './sample.ts';
export * from './verify.ts';
