export * from './file-lock.mjs';
export { prepareMilvus } from './milvus.ts';
export { MILVUS_PORTS } from './milvus-config.ts';
export { missingServers } from './platform-support.mjs';
export { choosePorts } from './ports.ts';
export { isSameProcess } from './process-identity.mjs';
export { findMilvus, milvusKindOf } from './programs.ts';
export { type Stack, type StackOptions, startStack } from './stack.ts';
export { type MilvusKind, readStack, type ServerRecord, type StackState } from './stack-state.ts';
