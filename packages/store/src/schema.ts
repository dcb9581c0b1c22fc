/** The collection of a line: its fields, its index, and how a collection that is there differs from them. */
import { type CollectionSchema, DataType, type FieldType } from '@zilliz/milvus2-sdk-node';
import { LIMITS } from './row.ts';

const varchar = (name: string, bytes: number, extra: Partial<FieldType> = {}): FieldType => ({
  name,
  data_type: DataType.VarChar,
  max_length: bytes,
  ...extra,
});

/**
 * `tenant` is an ordinary column, '' where there is none: as partition key it would cost every line 16 partitions, each with
 * a growing segment of its own, for a filter that few lines use.
 */
export function rowSchema(dimension: number): FieldType[] {
  return [
    varchar('id', LIMITS.id, { is_primary_key: true }),
    varchar('doc_id', LIMITS.doc_id),
    { name: 'rev', data_type: DataType.Int64 },
    { name: 'ordinal', data_type: DataType.Int32 },
    { name: 'chunk_count', data_type: DataType.Int32 },
    varchar('chunk_hash', LIMITS.hash),
    varchar('doc_hash', LIMITS.hash),
    varchar('text', LIMITS.text),
    { name: 'start', data_type: DataType.Int64 },
    { name: 'end', data_type: DataType.Int64 },
    { name: 'metadata', data_type: DataType.JSON },
    varchar('tenant', LIMITS.tenant),
    { name: 'vector', data_type: DataType.FloatVector, dim: dimension },
  ];
}

/**
 * HNSW with COSINE. Vectors have unit length, so IP would order alike; COSINE keeps its scores in [-1, 1] whatever a reader's
 * query vector measures. M and efConstruction are the usual middle (recall above 0.95 from 32 to 1024 dimensions).
 */
export const INDEX = {
  field_name: 'vector',
  index_type: 'HNSW',
  metric_type: 'COSINE',
  params: { M: 16, efConstruction: 200 },
} as const;

/** HNSW needs a search list at least as long as the answer. */
export function searchParams(k: number): { ef: number } {
  return { ef: Math.max(64, Math.min(32_768, k * 2)) };
}

/** In words; empty when a row fits. Columns that we do not write must not be there: Milvus would refuse rows without them. */
export function schemaDifferences(schema: CollectionSchema, dimension: number): string[] {
  const differences: string[] = [];
  const found = new Map(schema.fields.map((field) => [field.name, field]));
  for (const want of rowSchema(dimension)) {
    const field = found.get(want.name);
    found.delete(want.name);
    const type = DataType[want.data_type as DataType];
    if (field === undefined) {
      differences.push(`${want.name} is missing`);
    } else if (field.data_type !== type) {
      differences.push(`${want.name} is ${field.data_type} instead of ${type}`);
    } else if (want.max_length !== undefined && Number(field.max_length) < Number(want.max_length)) {
      differences.push(`${want.name} holds ${field.max_length} bytes instead of ${want.max_length}`);
    } else if (want.dim !== undefined && Number(field.dim) !== dimension) {
      differences.push(`${want.name} has ${field.dim} dimensions instead of ${dimension}`);
    } else if (Boolean(want.is_primary_key) !== field.is_primary_key || field.autoID) {
      differences.push(
        `${want.name} is ${field.is_primary_key ? 'the' : 'not the'} primary key${field.autoID ? ', made by Milvus' : ''}`,
      );
    }
  }
  for (const name of found.keys()) differences.push(`${name} is not a column of ours`);
  return differences;
}
