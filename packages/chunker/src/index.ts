export { type Chunker, type CutChunk, type CutDocument, chunkerVersion, createChunker } from './chunker.ts';
export { cutOf } from './cut-of.ts';
export type { ChunkLimits } from './limits.ts';
export { type ChunkerPool, createChunkerPool } from './pool.ts';
export { chunksPage } from './render-html.ts';
