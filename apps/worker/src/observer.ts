/**
 * What a worker says of its doings: a listener around its verbs and its outcomes, which decides nothing. Numbers go to the
 * metrics, sums go out with every heartbeat (the live page reads them there), batches become spans that link to their
 * documents.
 */
import { type Clock, isSluiceError, type SluiceError } from '@sluice/core';
import { paddedTokens } from '@sluice/embedder';
import type { WorkerLoad } from '@sluice/queue';
import { createProgressWatch, type LabelsOf, type Telemetry } from '@sluice/telemetry';
import type { Item, Outcome } from './item.ts';
import type { BatcherVerbs, WrittenItem } from './verbs.ts';

export interface Observer {
  /** The same verbs, listened to. */
  verbs(verbs: BatcherVerbs): BatcherVerbs;
  /** A chunk comes in; its job may carry the context of its document's trace. Resolves as `outcome` does. */
  chunk(item: Item, trace: unknown, outcome: Promise<Outcome>): Promise<Outcome>;
  waited(error: unknown): void;
  stalled(): void;
  /** Told with every heartbeat. `work`: chunks in hand and tokens in the queue; `excused`: paused, or a dependency is away. */
  told(state: { work: number; excused: boolean }): void;
  readonly load: WorkerLoad;
}

export interface ObserverOptions extends Telemetry {
  /** For spans: what is embedded by whom, and into which collection. */
  model: string;
  provider: string;
  collection: string;
  dimension: number;
  maxPaddedTokens: number;
  stallMs: number;
  clock: Clock;
}

/** Tenants of their own in a heartbeat; the others share one name. */
const TENANTS_NAMED = 30;

export function createObserver({ metrics, tracing, health, clock, ...what }: ObserverOptions): Observer {
  const traces = new WeakMap<Item, string>();
  const progress = createProgressWatch({ stallMs: what.stallMs, clock });
  health.watch(() => progress.stuck());
  /** Names are the users': a tenant may be called `constructor`. */
  const tenants = new Map<string, number>();
  const load: Omit<WorkerLoad, 'tenants'> = {
    engine: { requests: 0, texts: 0, tokens: 0, paddedTokens: 0, ms: 0 },
    maxPaddedTokens: what.maxPaddedTokens,
    milvus: { requests: 0, rows: 0, ms: 0 },
  };
  const linksOf = (items: readonly Item[]) =>
    items.flatMap((item) => {
      const trace = traces.get(item);
      return trace === undefined ? [] : [trace];
    });

  async function embed(items: Item[], verb: BatcherVerbs['embed']): ReturnType<BatcherVerbs['embed']> {
    const useful = items.reduce((sum, { tokens }) => sum + tokens, 0);
    const padded = paddedTokens(items.map(({ tokens }) => tokens));
    const attributes = {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.provider.name': what.provider,
      'gen_ai.request.model': what.model,
      'gen_ai.embeddings.dimension.count': what.dimension,
      'gen_ai.usage.input_tokens': useful,
      'sluice.batch.items': items.length,
      'sluice.batch.padded_tokens': padded,
    };
    const startedAt = clock.monotonicMs();
    const reply = await tracing.span(
      `embeddings ${what.model}`,
      { kind: 'client', attributes, links: linksOf(items) },
      () => verb(items),
    );
    metrics.observe('engine_batch_items', items.length);
    metrics.observe('engine_batch_tokens', padded);
    metrics.observe('engine_padding_ratio', padded === 0 ? 0 : 1 - useful / padded);
    metrics.count('nan_vectors_total', reply.vectors.filter((vector) => vector === null).length);
    const { engine } = load;
    engine.requests += 1;
    engine.texts += items.length;
    engine.tokens += useful;
    engine.paddedTokens += padded;
    engine.ms += clock.monotonicMs() - startedAt;
    for (const { job, tokens } of items) {
      const name = job.tenant ?? '';
      const shown = tenants.has(name) || tenants.size < TENANTS_NAMED ? name : '…';
      tenants.set(shown, (tenants.get(shown) ?? 0) + tokens);
    }
    return reply;
  }

  async function upsert(rows: WrittenItem[], verb: BatcherVerbs['upsert']): Promise<void> {
    const items = rows.map(({ item }) => item);
    metrics.count('duplicate_in_batch_total', rows.length - new Set(items.map(({ id }) => id)).size);
    const attributes = {
      'db.system.name': 'milvus',
      'db.operation.name': 'upsert',
      'db.collection.name': what.collection,
      'db.operation.batch.size': rows.length,
    };
    const startedAt = clock.monotonicMs();
    await tracing.span(`upsert ${what.collection}`, { kind: 'client', attributes, links: linksOf(items) }, () =>
      verb(rows),
    );
    load.milvus.requests += 1;
    load.milvus.rows += rows.length;
    load.milvus.ms += clock.monotonicMs() - startedAt;
  }

  return {
    get load() {
      return { ...load, tenants: Object.fromEntries(tenants) };
    },
    verbs: (verbs) => ({
      ...verbs,
      async fence(items) {
        const answers = await verbs.fence(items);
        metrics.count('fenced_writes_total', answers.filter(({ answer }) => answer === 'overtaken').length);
        return answers;
      },
      embed: (items) => embed(items, verbs.embed),
      upsert: (rows) => upsert(rows, verbs.upsert),
      async mark(rows) {
        const answers = await verbs.mark(rows);
        metrics.count('fenced_writes_total', answers.filter((answer) => answer === 'overtaken').length);
        rows.forEach(({ item }, i) => {
          if (answers[i] === 'stored') metrics.observe('end_to_end_seconds', secondsSince(item.revision, clock));
        });
        return answers;
      },
      async dead(item, error: SluiceError) {
        const recorded = await verbs.dead(item, error);
        if (recorded) metrics.count('dead_letters_total', 1, { reason: error.code });
        return recorded;
      },
    }),

    async chunk(item, trace, outcome) {
      const traceparent = traceparentOf(trace);
      if (traceparent !== undefined) traces.set(item, traceparent);
      const ended = await outcome;
      metrics.count('chunks_total', 1, { outcome: ended });
      metrics.count('tokens_total', item.tokens, { outcome: ended });
      if (ended !== 'handed-back') progress.finished();
      return ended;
    },

    waited(error) {
      const reason = isSluiceError(error) ? error.code : 'foreign';
      metrics.count('retries_total', 1, { dependency: dependencyOf(reason), reason });
    },
    stalled: () => metrics.count('stalled_total', 1),
    told: (state) => progress.told(state),
  };
}

/** A revision is the time of its reservation in microseconds. */
function secondsSince(revision: string, clock: Clock): number {
  return Math.max(0, clock.now() / 1_000 - Number(revision) / 1e6);
}

/** From a job's options, which anybody may have written. */
function traceparentOf(trace: unknown): string | undefined {
  return typeof trace === 'string' && trace.length === 55 ? trace : undefined;
}

function dependencyOf(code: string): LabelsOf<'retries_total'>['dependency'] {
  if (code.startsWith('queue_')) return 'redis';
  if (code.startsWith('engine_')) return 'engine';
  return code.startsWith('store_') ? 'milvus' : 'other';
}
