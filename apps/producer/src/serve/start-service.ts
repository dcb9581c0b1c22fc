/**
 * `sluice serve`: opens what the service stands on, chunks what is submitted (unless chunk workers elsewhere do), and listens.
 * Beyond loopback only where there is an API key.
 */
import { type Config, createReleaser, type Logger, SluiceError } from '@sluice/core';
import { planLine, planSpace } from '@sluice/line';
import { openAllowances, openApiKeys } from '@sluice/queue';
import { isLoopbackAddress, noTelemetry, type Telemetry } from '@sluice/telemetry';
import { chunkSubmissions } from '../chunk-submissions.ts';
import { openPool } from '../open-pool.ts';
import type { AcceptStep } from './accept.ts';
import { createServer } from './create-server.ts';
import { type ServeLinesOptions, serveLines } from './served-lines.ts';
import { createTokenMeter } from './token-meter.ts';

export interface Service {
  url: string;
  /** Rejects with what stops the service: a verdict `stop` of its own line. Resolves when it is closed. */
  readonly finished: Promise<void>;
  /** Idempotent: answers what is under way, then closes. */
  close(): Promise<void>;
}

export interface StartServiceOptions {
  config: Config;
  logger: Logger;
  telemetry?: Telemetry;
  /** False: what is submitted is left to `sluice chunk-worker`. */
  chunk?: boolean;
  /** What to do where the port is taken; default: what `sluice serve` takes. */
  portFix?: string;
  /** Told of every step of accepting; a test ends the process there. */
  onStep?: (step: AcceptStep) => void;
}

/** Throws `keys_needed`, `port_taken`, and what opening a line throws. */
export async function startService({
  config,
  logger,
  telemetry = noTelemetry(),
  chunk = true,
  portFix = 'Choose another with --port or SLUICE_SERVE_PORT.',
  onStep,
}: StartServiceOptions): Promise<Service> {
  const releaser = createReleaser();
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  // Whoever started the service may look at it later.
  finished.catch(() => undefined);
  const { SLUICE_SERVE_HOST: host, SLUICE_SERVE_PORT: port } = config;
  try {
    // Only who chunks needs the tokenizer.
    const plan = chunk ? await planLine(config) : undefined;
    const pool = plan && (await openPool(plan, { config, releaser }));
    const onOpened: ServeLinesOptions['onOpened'] = (line, own) => {
      if (plan === undefined || pool === undefined) return undefined;
      const { health } = telemetry;
      return chunkSubmissions({
        line,
        pool,
        cutId: plan.cutId,
        logger,
        health,
        metrics: telemetry.metrics,
        releaser: own,
      }).finished;
    };
    const space = plan ?? planSpace(config);
    const lines = await serveLines({ config, plan: space, logger, telemetry, releaser, onOpened, onStopped: reject });
    const { redis } = await lines.get(config.SLUICE_LINE);
    const keys = openApiKeys(redis);
    const loopback = isLoopbackAddress(host);
    if (!loopback && !(await keys.configured())) {
      throw new SluiceError('keys_needed', { message: `The service would be open to everyone who reaches ${host}` });
    }
    const closing = new AbortController();
    const app = await createServer({
      config,
      logger,
      keys,
      allowances: openAllowances(redis),
      meter: createTokenMeter(config.SLUICE_TOKENIZER),
      lines,
      loopback,
      closing: closing.signal,
      ...(onStep !== undefined && { onStep }),
    });
    releaser.push('the service', () => app.close());
    releaser.push('open streams', () => closing.abort(new Error('the service is closing')));
    const url = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new SluiceError('port_taken', {
        message: 'The service cannot listen',
        where: `${host}:${port}`,
        fix: portFix,
      });
    });
    telemetry.health.enter('working');
    releaser.push('readiness', () => telemetry.health.enter('draining'));
    return { url, finished, close: () => releaser.release().then(resolve) };
  } catch (error) {
    await releaser.release().catch(() => undefined);
    throw error;
  }
}
