import { documentKey, isSluiceError, SluiceError, type TextFormat } from '@sluice/core';
import { RTX_3090 } from '@sluice/embedder';
import { observeLine, openExistingLine, openLine, planLine } from '@sluice/line';
import {
  checkPrune,
  dryRun,
  findGone,
  type IngestEvent,
  type IngestSummary,
  ingest,
  openPool,
  readOptions,
  refusePartialReads,
  resolveInputs,
} from '@sluice/producer';
import { startTelemetry } from '@sluice/telemetry';
import type { Context } from '../context.ts';
import { engineRate } from '../engine-rate.ts';
import { errorEvent } from '../error-event.ts';
import { insideWorker } from '../inside-worker.ts';
import { renderDryRun } from '../render/dry-run.ts';
import { createProgressDisplay } from '../render/progress.ts';
import { renderSummary } from '../render/summary.ts';
import { printJson, runCommand } from '../run-command.ts';

export interface IngestCommandOptions {
  source?: string;
  prune?: boolean;
  pruneMax: number;
  recut?: boolean;
  wait?: boolean;
  dryRun?: boolean;
  /** Padded tokens a second, for the forecast. */
  engineRate?: number;
  /** What each request takes besides. Default: what one takes of a modelled 3090. */
  engineRequestMs?: number;
  calibrate?: boolean;
  maxErrors?: number;
  format: 'ndjson' | TextFormat;
  id?: string;
  json?: boolean;
  line?: string;
  /** Nothing on standard output; progress alone. */
  quiet?: boolean;
  /** False where the caller says itself what to type next. */
  next?: boolean;
  onSummary?: (summary: IngestSummary) => void;
}

export async function run(paths: string[], options: IngestCommandOptions): Promise<void> {
  if (options.format !== 'ndjson' && options.id === undefined && paths.includes('-')) {
    throw new SluiceError('bad_usage', {
      message: `A ${options.format} document on standard input needs an id`,
      fix: 'Add --id ID.',
    });
  }
  await runCommand('ingest', options, (context) =>
    options.dryRun === true ? runDry(context, paths, options) : ingestPaths(context, paths, options),
  );
}

/** Ingests and renders; also the heart of `sluice demo`. Resolves with the exit code. */
export async function ingestPaths(
  { config, logger, releaser, signal }: Context,
  paths: string[],
  options: IngestCommandOptions,
): Promise<number> {
  const wait = options.wait ?? process.stderr.isTTY === true;
  const display = createProgressDisplay();
  const listener = (event: IngestEvent): void => {
    if (options.json === true) printJson(event.type === 'refused' ? errorEvent(event.error) : event);
    if (options.json !== true || event.type !== 'progress' || process.stderr.isTTY) display.show(event);
  };
  const plan = await planLine(config);
  const telemetry = await startTelemetry({ config, service: 'ingest', logger, releaser, quiet: true });
  const line = observeLine(await openLine(config, plan, { role: 'producer', logger, releaser }), telemetry);
  telemetry.health.enter('working');
  const pool = await openPool(plan, { config, releaser });
  const worker = insideWorker({ config, plan, releaser, telemetry, signal });
  let said = false;
  const sayNoWorker = () => {
    // Not among the typed lines: their last one is the summary.
    if (!said)
      display.show({
        type: 'note',
        message: `No worker serves the line ${line.name}: start one with \`npx sluice worker\`.`,
      });
    said = true;
  };
  try {
    const summary = await ingest({
      line,
      plan,
      pool,
      paths,
      ...(options.source !== undefined && { source: options.source }),
      stdin: process.stdin,
      stdinFormat: options.format,
      ...(options.id !== undefined && { stdinId: options.id }),
      recut: options.recut === true,
      prune: options.prune === true,
      pruneMax: options.pruneMax,
      ...(options.maxErrors !== undefined && { maxErrors: options.maxErrors }),
      wait,
      async ensureWorker() {
        if ((await line.ledger.liveWorkers()).length > 0) return;
        if (!wait) return sayNoWorker();
        listener({ type: 'note', message: `No worker serves the line ${line.name}: one runs inside this command.` });
        await worker.start();
      },
      signal: worker.signal,
      listener,
    });
    display.done();
    if (worker.failure !== undefined) throw worker.failure;
    options.onSummary?.(summary);
    if (options.json !== true && options.quiet !== true)
      process.stdout.write(`${renderSummary(summary, { waited: wait, next: options.next })}\n`);
    if (!wait && (await line.ledger.liveWorkers()).length === 0) sayNoWorker();
    return summary.exitCode;
  } catch (error) {
    display.done();
    throw worker.failure ?? error;
  }
}

async function runDry(
  { config, logger, releaser, signal }: Context,
  paths: string[],
  options: IngestCommandOptions,
): Promise<number> {
  const inputs = await resolveInputs(paths, options.source);
  if (options.prune === true) refusePartialReads(inputs, options.source);
  const plan = await planLine(config);
  const pool = await openPool(plan, { config, releaser });
  const display = createProgressDisplay();
  const rate = await engineRate(
    { config, logger, releaser, signal },
    {
      tokensPerSecond: options.engineRate,
      requestMs: options.engineRequestMs ?? RTX_3090.requestMs,
      calibrate: options.calibrate,
      targetTokens: plan.limits.targetTokens,
    },
  );
  const listener = (event: IngestEvent): void => (options.json === true ? printJson(event) : display.show(event));
  const seen = new Set<string>();
  const summary = await dryRun({
    pool,
    paths,
    ...(options.source !== undefined && { source: options.source }),
    read: readOptions({ stdin: process.stdin, stdinFormat: options.format, stdinId: options.id }, config),
    signal,
    listener,
    forecast: {
      ...plan.engine.limits,
      window: config.SLUICE_CONCURRENCY,
      backlogTokens: config.SLUICE_BACKLOG_TOKENS,
      dimensions: [...new Set([...plan.engine.profile.trainedDimensions, plan.space.storedDimension])].toSorted(
        (a, b) => a - b,
      ),
      rate,
    },
    ...(options.prune === true && {
      onDocument: (id: string, tenant: string | undefined) =>
        void seen.add(documentKey({ line: config.SLUICE_LINE, tenant, id })),
    }),
  });
  if (options.prune === true) {
    const line = await openExistingLine(config, { logger, releaser });
    const names = new Set(inputs.flatMap((input) => (input.kind === 'missing' ? [] : [input.source.name])));
    for (const name of names) {
      const number = await line.sources.numberOf(name);
      if (number === undefined) continue;
      // Every document of the source: no run is to come that would have seen them.
      const all = { number: Number.POSITIVE_INFINITY };
      const { keys, total } = await findGone({ line, source: { name, number }, run: all });
      const gone = keys.filter((key) => !seen.has(key));
      const complete = summary.documents.rejected === 0;
      try {
        checkPrune({ source: name, pruneMax: options.pruneMax, complete }, { gone: gone.length, total });
      } catch (error) {
        if (!isSluiceError(error)) throw error;
        listener({ type: 'warning', message: `The real run would refuse to prune: ${error.message}` });
      }
      const known = await line.store.documentIds(line.info.collection, gone);
      for (const key of gone) listener({ type: 'pruned', id: known.get(key)?.id ?? key });
    }
  }
  display.done();
  if (options.json === true) printJson(summary);
  else process.stdout.write(`${renderDryRun(summary, plan)}\n`);
  return summary.exitCode;
}
