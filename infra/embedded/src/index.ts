export * from './file-lock.mjs';
export { missingServers } from './platform-support.mjs';
export { isSameProcess } from './process-identity.mjs';
export { milvusKindOf } from './programs.ts';
export { type Stack, type StackOptions, startStack } from './stack.ts';
export { type MilvusKind, readStack, type ServerRecord, type StackState } from './stack-state.ts';
