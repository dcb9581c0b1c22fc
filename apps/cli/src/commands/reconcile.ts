/** `sluice reconcile`: the ledger from the collection; then the sources, so that what is not whole is embedded again. */
import {
  deleteLeftovers,
  type Leftover,
  openExistingLine,
  planLine,
  type ReconcileSummary,
  reconcileLine,
} from '@sluice/line';
import type { Context } from '../context.ts';
import { renderLeftovers, renderReconciled } from '../render/reconcile.ts';
import { printJson, runCommand } from '../run-command.ts';
import { ingestPaths } from './ingest.ts';

export interface ReconcileCommandOptions {
  source?: string;
  prune?: boolean;
  json?: boolean;
  line?: string;
}

/** A table is for people: more leftovers than this are counted only. */
const LISTED = 200;

export async function run(paths: string[], options: ReconcileCommandOptions): Promise<void> {
  await runCommand('reconcile', options, async (context) => {
    const leftovers: Leftover[] = [];
    // With sources, what they bring may complete what is left over: it is deleted afterwards.
    const first = await rebuild(context, options, options.prune === true && paths.length === 0, leftovers);
    if (paths.length === 0) {
      finish(first, leftovers, options);
      return first.left > first.deleted ? 3 : 0;
    }
    let run = '';
    const code = await ingestPaths(context, paths, {
      ...(options.source !== undefined && { source: options.source }),
      ...(options.json !== undefined && { json: options.json }),
      wait: true,
      format: 'ndjson',
      pruneMax: 0,
      onSummary: (summary) => {
        run = summary.run;
      },
    });
    const line = await openExistingLine(context.config, context);
    const deleted = await deleteLeftovers(line, leftovers, {
      run: Number(run.slice(1)),
      prune: options.prune === true,
    });
    finish({ ...first, deleted }, leftovers, options);
    return code;
  });
}

async function rebuild(
  { config, logger, releaser, signal }: Context,
  options: ReconcileCommandOptions,
  prune: boolean,
  leftovers: Leftover[],
): Promise<ReconcileSummary> {
  const line = await openExistingLine(config, { logger, releaser });
  const { cutId } = await planLine(config);
  return reconcileLine(line, {
    cutId,
    prune,
    signal,
    onLeftover(leftover) {
      leftovers.push(leftover);
      if (options.json === true) printJson({ type: 'leftover', ...leftover });
    },
    onWorkers: ([worker]) =>
      void process.stderr.write(`Waiting for the worker ${worker!.host} ${worker!.pid} to be gone.\n`),
  });
}

function finish(summary: ReconcileSummary, leftovers: readonly Leftover[], { json }: ReconcileCommandOptions): void {
  if (json === true) printJson({ type: 'reconciled', ...summary });
  else process.stdout.write(`${renderLeftovers(leftovers.slice(0, LISTED))}${renderReconciled(summary)}\n`);
}
