/** A worker inside a command, for when nobody else serves the line; if its line stops, the command stops with that error. */
import { type Config, createLogger, type Releaser } from '@sluice/core';
import type { LinePlan } from '@sluice/line';
import type { Telemetry } from '@sluice/telemetry';
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
  releaser: Releaser;
  telemetry: Telemetry;
  signal: AbortSignal;
}): InsideWorker {
  const { config, plan, releaser, telemetry } = options;
  const stopped = new AbortController();
  let failure: unknown;
  let started = false;
  return {
    signal: AbortSignal.any([options.signal, stopped.signal]),
    get failure() {
      return failure;
    },
    async start() {
      if (started) return;
      // Its log would run through the command's own output; only what needs a person is shown, unless more is asked for.
      const level = config.SLUICE_LOG_LEVEL === 'info' ? 'warn' : config.SLUICE_LOG_LEVEL;
      const logger = createLogger({ service: 'worker', level });
      const worker = await startLineWorker({ config, plan, logger, releaser, telemetry, signal: options.signal });
      started = true;
      // It closes while what is in hand is committed, not after.
      const close = () => void worker.close();
      if (options.signal.aborted) close();
      else options.signal.addEventListener('abort', close, { once: true });
      worker.finished.catch((error: unknown) => {
        failure = error;
        stopped.abort(error);
      });
    },
  };
}
