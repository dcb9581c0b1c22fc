export * from './batch-planner.ts';
export * from './create-engine.ts';
export * from './engine.ts';
export { cutVector } from './matryoshka.ts';
export type * from './profile.ts';
export * from './profiles.ts';
export * from './resolve-engine.ts';
