export type { AuditPage, AuditRow, HeadPage, RowHead } from './audit.ts';
export type { IdRange } from './id-filter.ts';
export { collectionName, type LineInfo } from './line-properties.ts';
export type { OpenedLine, OpenLineOptions } from './lines.ts';
export type { StoreOptions } from './milvus-client.ts';
export type { Consistency, Hit, VectorWant } from './reader.ts';
export { LIMITS, type Row, type StoredRow } from './row.ts';
export type { SampledRow } from './sample.ts';
export { connectStore, type Store } from './store.ts';
