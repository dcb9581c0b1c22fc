export * from './batch-planner.ts';
export * from './create-engine.ts';
export * from './dimension-recall.ts';
export * from './engine.ts';
export {
  type DownloadedModel,
  type DownloadOptions,
  type DownloadProgress,
  downloadModel,
} from './hub/download-model.ts';
export { cosine, cutVector } from './matryoshka.ts';
export * from './measure-engine.ts';
export { type DeviceModel, type DeviceStatistics, RTX_3090 } from './modelled/device.ts';
export { createModelledEngine, type ModelledEngine, openModelledEngine } from './modelled/modelled-engine.ts';
export { nullVector } from './null-engine.ts';
export { readModelFolder } from './onnx/model-folder.ts';
export * from './pace.ts';
export { proveAgain } from './preflight/again.ts';
export { builtInGolden } from './preflight/built-in-golden.ts';
export { findGolden, goldenPath } from './preflight/find-golden.ts';
export {
  type GoldenFile,
  type GoldenText,
  type GoldenVariant,
  parseGolden,
  readGolden,
  rightVariant,
} from './preflight/golden.ts';
export { proofForLine, refuseUnlessRight, sameProof } from './preflight/line-proof.ts';
export { recordGolden } from './preflight/record-golden.ts';
export type { Finding, PreflightReport } from './preflight/report.ts';
export * from './preflight.ts';
export type * from './profile.ts';
export * from './profiles.ts';
export * from './resolve-engine.ts';
export { type EngineServer, type EngineServerOptions, serveEngine } from './serve/serve-engine.ts';
export { answerCalls, createThread, type Thread } from './thread.ts';
