/**
 * Lines as collections: opened (created on first use), described, listed, dropped. Two processes may open a new line at the
 * same time: Milvus lets one of them create it, and the other adopts what that one wrote.
 */
import { randomBytes } from 'node:crypto';
import { SluiceError, type Space, type SpaceProof, spaceDifferences } from '@sluice/core';
import type { DescribeCollectionResponse } from '@zilliz/milvus2-sdk-node';
import {
  collectionName,
  cutProperty,
  fromProperties,
  type LineInfo,
  proofProperty,
  toProperties,
} from './line-properties.ts';
import type { Milvus } from './milvus-client.ts';
import { INDEX, rowSchema, schemaDifferences } from './schema.ts';
import { hasMilvusCode, isSuccess, storeError } from './store-errors.ts';

const MISSING = 100;

export interface OpenLineOptions {
  line: string;
  space: Space;
  /** Fingerprint of the cut that this process makes chunks with; absent where it makes none. */
  cut?: string | undefined;
  /** Only where the line is created; a line that is there keeps its own. Default 1. */
  shards?: number | undefined;
}

export interface OpenedLine {
  info: LineInfo;
  created: boolean;
  /** What a person should know, in sentences. */
  warnings: string[];
}

export async function openLine(milvus: Milvus, { line, space, cut, shards }: OpenLineOptions): Promise<OpenedLine> {
  const collection = collectionName(line);
  let created = false;
  let found = await describe(milvus, collection);
  if (found === undefined) {
    created = await create(milvus, collection, { line, space, cut, shards: shards ?? 1 });
    found = await describe(milvus, collection);
  }
  if (found === undefined) {
    throw new SluiceError('missing_collection', {
      message: 'The collection was dropped while it was opened',
      where: collection,
    });
  }
  const info = ours(found, line);
  requireSpace(info, space);
  requireSchema(found, info);
  await ensureIndex(milvus, collection);
  await milvus.load(collection);
  const warnings: string[] = [];
  if (shards !== undefined && shards !== info.shards)
    warnings.push(
      `Line ${line} is split over ${info.shards} queues since it was created; SLUICE_SHARDS=${shards} changes nothing.`,
    );
  if (cut !== undefined && !info.cuts.includes(cut)) {
    // A line that a worker made has no cut yet.
    if (info.cuts.length > 0)
      warnings.push(
        `Line ${line} has chunks of another cut (${info.cuts.join(', ')}); documents are cut with ${cut} when they change, or with --recut.`,
      );
    await alter(milvus, collection, cutProperty(cut));
    info.cuts = [...info.cuts, cut].sort();
  }
  return { info, created, warnings };
}

/** undefined where there is no such line. Throws `schema_drift` when the collection of that name is not a line of ours. */
export async function describeLine(milvus: Milvus, line: string): Promise<LineInfo | undefined> {
  const found = await describe(milvus, collectionName(line));
  return found === undefined ? undefined : ours(found, line);
}

export async function listLines(milvus: Milvus): Promise<LineInfo[]> {
  const { data } = await milvus.call('list collections', () =>
    milvus.sdk.showCollections({ timeout: milvus.timeoutMs }),
  );
  const lines: LineInfo[] = [];
  for (const { name } of data.filter(({ name }) => name.startsWith('sluice_'))) {
    const found = await describe(milvus, name);
    const info = found && infoOf(found);
    if (info !== undefined) lines.push(info);
  }
  return lines.sort((a, b) => (a.line < b.line ? -1 : 1));
}

/** False where there was none. */
export async function dropLine(milvus: Milvus, line: string): Promise<boolean> {
  const info = await describeLine(milvus, line);
  if (info === undefined) return false;
  await milvus.call(`drop ${info.collection}`, () =>
    milvus.sdk.dropCollection({ collection_name: info.collection, timeout: milvus.timeoutMs }),
  );
  return true;
}

/** Throws `space_drift` naming every difference. */
export function requireSpace(info: LineInfo, space: Space): void {
  const differences = spaceDifferences(info.space, space);
  if (differences.length === 0) return;
  throw new SluiceError('space_drift', {
    message: `Line ${info.line} holds vectors of another space: ${differences.join('; ')}`,
    where: info.collection,
    fix: `Use another --line NAME, or \`npx sluice lines drop ${info.line}\` to begin anew.`,
  });
}

function requireSchema(found: DescribeCollectionResponse, info: LineInfo): void {
  const differences = schemaDifferences(found.schema, info.space.storedDimension);
  if (differences.length === 0) return;
  throw new SluiceError('schema_drift', {
    message: `The collection of line ${info.line} has another schema: ${differences.join('; ')}`,
    where: info.collection,
    fix: `Use another --line NAME, or \`npx sluice lines drop ${info.line}\` to begin anew.`,
  });
}

/** False when another process was faster. */
async function create(
  milvus: Milvus,
  collection: string,
  { line, space, cut, shards }: OpenLineOptions & { shards: number },
): Promise<boolean> {
  const epoch = randomBytes(8).toString('hex');
  try {
    const status = await milvus.sdk.createCollection({
      collection_name: collection,
      fields: rowSchema(space.storedDimension),
      shards_num: 1,
      enable_dynamic_field: false,
      properties: toProperties({ line, epoch, shards, space, cuts: cut === undefined ? [] : [cut] }),
      timeout: milvus.timeoutMs,
    });
    if (!isSuccess(status)) throw status;
    return true;
  } catch (failure) {
    // Refused because it exists is told by looking, not by the text of the refusal.
    if ((await describe(milvus, collection)) !== undefined) return false;
    throw storeError(failure, `create ${collection}`);
  }
}

/** Right also after a process that created the collection died before it made the index. */
async function ensureIndex(milvus: Milvus, collection: string): Promise<void> {
  try {
    const reply = await milvus.sdk.describeIndex({ collection_name: collection, timeout: milvus.timeoutMs });
    if (isSuccess(reply.status) && reply.index_descriptions.some(({ field_name }) => field_name === INDEX.field_name))
      return;
  } catch {
    // Describing fails where there is none; making one says what is really wrong.
  }
  await milvus.call(`create index ${collection}`, () =>
    milvus.sdk.createIndex({ collection_name: collection, ...INDEX, timeout: milvus.timeoutMs }),
  );
}

/** Kept in the place of an earlier one. */
export async function recordProof(milvus: Milvus, collection: string, proof: SpaceProof): Promise<void> {
  await alter(milvus, collection, proofProperty(proof));
}

async function alter(milvus: Milvus, collection: string, properties: Record<string, string>): Promise<void> {
  await milvus.call(`alter ${collection}`, () =>
    milvus.sdk.alterCollectionProperties({ collection_name: collection, properties, timeout: milvus.timeoutMs }),
  );
}

/** Never from the SDK's cache. */
async function describe(milvus: Milvus, collection: string): Promise<DescribeCollectionResponse | undefined> {
  const what = `describe ${collection}`;
  let reply: DescribeCollectionResponse;
  try {
    reply = await milvus.sdk.describeCollection({
      collection_name: collection,
      cache: false,
      timeout: milvus.timeoutMs,
    });
  } catch (error) {
    throw storeError(error, what);
  }
  if (isSuccess(reply.status)) return reply;
  if (hasMilvusCode(reply, MISSING)) return undefined;
  throw storeError(reply, what);
}

function infoOf(found: DescribeCollectionResponse): LineInfo | undefined {
  return fromProperties(found.properties, {
    collection: found.collection_name,
    created: new Date(Number(found.created_utc_timestamp)).toISOString(),
  });
}

function ours(found: DescribeCollectionResponse, line: string): LineInfo {
  const info = infoOf(found);
  if (info?.line === line) return info;
  throw new SluiceError('schema_drift', {
    message: 'A collection of this name is there, but it is not a line that Sluice made',
    where: found.collection_name,
    fix: 'Use another --line NAME, or drop the collection with the tool that made it.',
  });
}
