/**
 * A line, opened: its collection, its ledger, its queue and what its configuration resolves to. Every process goes through
 * here, so every process checks the same things at its start: Redis is safe, the collection's schema and space are this
 * configuration's, and ledger and queue belong to the collection's epoch.
 */

import { type ChunkLimits, cutOf } from '@sluice/chunker';
import {
  type Config,
  type Cut,
  cutFingerprint,
  type Logger,
  type Releaser,
  SluiceError,
  type Space,
  systemClock,
} from '@sluice/core';
import { type ResolvedEngine, resolveEngine } from '@sluice/embedder';
import {
  type Admission,
  type ChunkQueue,
  checkRedis,
  connectRedis,
  type Ledger,
  type LedgerOptions,
  type LineAddress,
  openAdmission,
  openChunkQueue,
  openLedger,
  openRuns,
  openSources,
  type Runs,
  type Sources,
} from '@sluice/queue';
import { connectStore, type LineInfo, type Store } from '@sluice/store';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { createLineIdentity, type LineIdentity } from './line-identity.ts';

export interface Line extends LineIdentity {
  readonly name: string;
  readonly config: Config;
  readonly info: LineInfo;
  readonly address: LineAddress;
  readonly store: Store;
  readonly redis: ReturnType<typeof connectRedis>;
  readonly ledger: Ledger;
  readonly queue: ChunkQueue;
  readonly sources: Sources;
  readonly runs: Runs;
  readonly admission: Admission;
  /** Things a person should know: a new cut, a Redis without maxmemory. */
  readonly warnings: string[];
}

/** What a process needs that makes vectors but no chunks. */
export interface SpacePlan {
  engine: ResolvedEngine;
  space: Space;
}

export interface LinePlan extends SpacePlan {
  cut: Cut;
  cutId: string;
  limits: ChunkLimits;
}

const GOODBYE_MS = 1_000;

export type LineRole = 'producer' | 'worker' | 'reader';

/** Engine and space of the configuration, without any server. Throws `bad_configuration`. */
export function planSpace(config: Config): SpacePlan {
  const engine = resolveEngine(config);
  return { engine, space: engine.space };
}

/** Engine, space and cut, without any server; loads the tokenizer, which takes 40 MB. Throws `bad_configuration`. */
export async function planLine(config: Config): Promise<LinePlan> {
  const { engine, space } = planSpace(config);
  const model = await loadTokenizerModel(config.SLUICE_TOKENIZER);
  const tokenizer = createTokenizer(model);
  const limits: ChunkLimits = {
    targetTokens: engine.limits.targetTokens,
    maxTokens: engine.limits.maxTokens,
    maxBytes: 65_535,
    overlapTokens: config.SLUICE_OVERLAP_TOKENS,
    headings: config.SLUICE_HEADINGS,
    instructionTokens: engine.instructionTokens((text) => tokenizer.count(text)),
  };
  const cut = cutOf(model, limits);
  return { engine, space, cut, cutId: cutFingerprint(cut), limits };
}

/**
 * Opens the line for writing; its collection is created on first use. Everything opened is pushed on `releaser`.
 * Throws `queue_*`, `store_*`, `queue_unsafe`, `space_drift`, `schema_drift`, and `ledger_lost` where the collection has rows
 * that no ledger knows.
 */
export async function openLine(
  config: Config,
  plan: SpacePlan & { cutId?: string },
  options: { role: 'producer' | 'worker'; logger: Logger; releaser: Releaser; ledger?: LedgerOptions | undefined },
): Promise<Line> {
  const { store, redis, findings } = await connect(config, options);
  const { info, warnings } = await store.openLine({
    line: config.SLUICE_LINE,
    space: plan.space,
    cut: plan.cutId,
    shards: config.SLUICE_SHARDS,
  });
  const line = assemble(config, info, store, redis, [...findings, ...warnings], options);
  await line.holdLedger();
  return line;
}

/** Opens a line that is there, for reading and deleting. Throws `unknown_line` where there is none. */
export async function openExistingLine(config: Config, options: { logger: Logger; releaser: Releaser }): Promise<Line> {
  const { store, redis, findings } = await connect(config, { ...options, role: 'reader' });
  const info = await store.describeLine(config.SLUICE_LINE);
  if (info === undefined) {
    throw new SluiceError('unknown_line', {
      message: `There is no line "${config.SLUICE_LINE}"`,
      where: config.SLUICE_MILVUS_ADDRESS,
    });
  }
  return assemble(config, info, store, redis, findings, { ...options, role: 'reader' });
}

/** Milvus alone, for what concerns all lines. */
export async function openStore(
  config: Config,
  { logger, releaser }: { logger: Logger; releaser: Releaser },
): Promise<Store> {
  const store = await connectStore({
    address: required(config.SLUICE_MILVUS_ADDRESS, 'SLUICE_MILVUS_ADDRESS'),
    ...(config.SLUICE_MILVUS_USERNAME !== undefined && { username: config.SLUICE_MILVUS_USERNAME }),
    ...(config.SLUICE_MILVUS_PASSWORD !== undefined && { password: config.SLUICE_MILVUS_PASSWORD }),
    ...(config.SLUICE_MILVUS_TOKEN !== undefined && { token: config.SLUICE_MILVUS_TOKEN }),
    ...(config.SLUICE_MILVUS_DATABASE !== undefined && { database: config.SLUICE_MILVUS_DATABASE }),
    logger,
  });
  releaser.push('the connection to Milvus', () => store.close());
  return store;
}

export function lineAddress(info: LineInfo): LineAddress {
  return { line: info.line, epoch: info.epoch, shards: info.shards };
}

async function connect(
  config: Config,
  { role, logger, releaser }: { role: LineRole; logger: Logger; releaser: Releaser },
) {
  const redis = connectRedis(required(config.SLUICE_REDIS_URL, 'SLUICE_REDIS_URL'), { role, logger });
  // Politely, unless Redis does not answer: a command that ends must not wait for it.
  const goodbye = () => Promise.race([redis.quit(), systemClock.sleep(GOODBYE_MS)]).catch(() => undefined);
  releaser.push('the connection to Redis', () => goodbye().then(() => redis.disconnect()));
  const findings = await checkRedis(redis, { allowUnsafe: config.SLUICE_ALLOW_UNSAFE_REDIS });
  const store = await openStore(config, { logger, releaser });
  return { store, redis, findings: findings.filter(({ status }) => status === 'warn').map(({ message }) => message) };
}

function assemble(
  config: Config,
  info: LineInfo,
  store: Store,
  redis: Line['redis'],
  warnings: string[],
  { releaser, ledger }: { role: LineRole; releaser: Releaser; ledger?: LedgerOptions | undefined },
): Line {
  const address = lineAddress(info);
  const queue = openChunkQueue(redis, address);
  releaser.push('the chunk queue', () => queue.close());
  const lineLedger = openLedger(redis, address, ledger);
  return {
    name: info.line,
    config,
    info,
    address,
    store,
    redis,
    ledger: lineLedger,
    queue,
    sources: openSources(redis, info.line),
    runs: openRuns(redis, address),
    admission: openAdmission(redis, address, { backlogTokens: config.SLUICE_BACKLOG_TOKENS }),
    warnings,
    ...createLineIdentity({ store, info, ledger: lineLedger }),
  };
}

function required(value: string | undefined, name: string): string {
  if (value !== undefined) return value;
  throw new SluiceError('bad_configuration', {
    message: `No server is configured: ${name} is not set and no embedded stack is running`,
    fix: `Start the embedded stack with \`npx sluice up\`, or set ${name}.`,
  });
}
