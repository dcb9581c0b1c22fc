/** A worker inside a command, for when nobody else serves the line; if its line stops, the command stops with that error. */
import type { Config, Logger, Releaser } from '@sluice/core';
import type { LinePlan } from '@sluice/line';
import { startLineWorker } from '@sluice/worker';

export interface InsideWorker {
  /** Aborts with the command's own signal, and when the worker's line stops. */
  readonly signal: AbortSignal;
  readonly failure: unknown;
  start(): Promise<void>;
}

export function insideWorker(options: {
  config: Config;
  plan: LinePlan;
  logger: Logger;
  releaser: Releaser;
  signal: AbortSignal;
}): InsideWorker {
  const { config, plan, releaser } = options;
  const stopped = new AbortController();
  let failure: unknown;
  return {
    signal: AbortSignal.any([options.signal, stopped.signal]),
    get failure() {
      return failure;
    },
    async start() {
      // Its log would run through the progress display; only what needs a person is shown.
      const logger = options.logger.child(
        { service: 'worker' },
        { level: process.stderr.isTTY ? 'error' : options.logger.level },
      );
      const worker = await startLineWorker({ config, plan, logger, releaser });
      worker.finished.catch((error: unknown) => {
        failure = error;
        stopped.abort(error);
      });
    },
  };
}
