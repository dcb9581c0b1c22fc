/** `ingest --dry-run`: reads, cuts and counts as a run would, and touches neither Redis nor Milvus; forecasts what the run will cost. */
import type { ChunkerPool } from '@sluice/chunker';
import { totalTokens } from '@sluice/core';
import pLimit from 'p-limit';
import { cutFault, emptyItem } from './cut-fault.ts';
import type { IngestListener } from './events.ts';
import { createForecast, type Forecast, type ForecastOptions, rowBytesBesideText } from './forecast.ts';
import type { ItemFault } from './source/item.ts';
import { type ReadOptions, readDocuments } from './source/read-documents.ts';
import { resolveInputs } from './source/roots.ts';

export interface DryRunSummary {
  type: 'summary';
  dryRun: true;
  documents: { read: number; skipped: number; rejected: number };
  chunks: { count: number; meanTokens: number; longestTokens: number };
  tokens: number;
  bytes: number;
  forecast: Forecast;
  rejectedByCode: Record<string, number>;
  seconds: number;
  exitCode: number;
}

export interface DryRunOptions {
  pool: ChunkerPool;
  paths: readonly string[];
  source?: string;
  read: ReadOptions;
  signal: AbortSignal;
  listener: IngestListener;
  forecast: ForecastOptions;
  /** Told the id of every document that would be handed in; `--prune` compares with them. */
  onDocument?(id: string, tenant: string | undefined): void;
}

export async function dryRun({
  pool,
  paths,
  source,
  read,
  signal,
  listener,
  forecast: forecastOptions,
  onDocument,
}: DryRunOptions): Promise<DryRunSummary> {
  const startedAt = performance.now();
  const documents = { read: 0, skipped: 0, rejected: 0 };
  const rejectedByCode: Record<string, number> = {};
  let chunks = 0;
  let tokens = 0;
  let longest = 0;
  let bytes = 0;
  const forecast = createForecast(forecastOptions);
  const limit = pLimit(pool.threads * 2);
  const cutting = new Set<Promise<void>>();

  const reject = (found: ItemFault) => {
    documents.rejected++;
    rejectedByCode[found.code] = (rejectedByCode[found.code] ?? 0) + 1;
    listener({ type: 'rejected', ...found });
  };
  const skip = (found: ItemFault) => {
    documents.skipped++;
    listener({ type: 'skipped', ...found });
  };

  for await (const item of readDocuments(await resolveInputs(paths, source), read)) {
    if (signal.aborted) break;
    documents.read++;
    if (item.type === 'rejected') {
      reject(item.fault);
    } else if (item.type === 'skipped') {
      skip(item.fault);
    } else {
      const { document, where, manner } = item;
      onDocument?.(document.id, document.tenant);
      const work = limit(async () => {
        try {
          const cut = await pool.cut(document);
          if (cut.chunks.length === 0) {
            const empty = emptyItem(where, manner);
            return empty.type === 'skipped' ? skip(empty.fault) : reject(empty.fault);
          }
          for (const chunk of cut.chunks) {
            const total = totalTokens(chunk.tokens);
            chunks++;
            tokens += total;
            longest = Math.max(longest, total);
            const textBytes = Buffer.byteLength(chunk.text);
            bytes += textBytes;
            forecast.add({
              tokens: total,
              textBytes,
              rowBytes: textBytes + rowBytesBesideText(document, chunk.heading),
            });
          }
        } catch (error) {
          const own = cutFault(error, where);
          if (own === undefined) throw error;
          reject(own);
        }
      }).finally(() => cutting.delete(work));
      cutting.add(work);
      if (cutting.size >= pool.threads * 4) await Promise.race(cutting);
    }
  }
  await Promise.all(cutting);
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    type: 'summary',
    dryRun: true,
    documents,
    chunks: { count: chunks, meanTokens: chunks === 0 ? 0 : Math.round(tokens / chunks), longestTokens: longest },
    tokens,
    bytes,
    forecast: forecast.finish({
      documents: documents.read - documents.skipped - documents.rejected,
      cutSeconds: seconds,
    }),
    rejectedByCode,
    seconds: Math.round(seconds * 1_000) / 1_000,
    exitCode: signal.aborted ? 130 : documents.rejected > 0 ? 3 : 0,
  };
}
