/**
 * `sluice serve`: opens what the service stands on, chunks what is submitted (unless chunk workers elsewhere do), and listens.
 * Beyond loopback only where there is an API key.
 */
import { isIP } from 'node:net';
import { type Config, createReleaser, type Logger, SluiceError } from '@sluice/core';
import { planLine } from '@sluice/line';
import { openApiKeys } from '@sluice/queue';
import { chunkSubmissions } from '../chunk-submissions.ts';
import { openPool } from '../open-pool.ts';
import type { AcceptStep } from './accept.ts';
import { createServer } from './create-server.ts';
import { type ServedLine, serveLines } from './served-lines.ts';

export interface Service {
  url: string;
  /** Rejects with what stops the service: a verdict `stop` of a line. Resolves when it is closed. */
  readonly finished: Promise<void>;
  /** Idempotent: answers what is under way, then closes. */
  close(): Promise<void>;
}

export interface StartServiceOptions {
  config: Config;
  logger: Logger;
  /** False: what is submitted is left to `sluice chunk-worker`. */
  chunk?: boolean;
  /** Told of every step of accepting; a test ends the process there. */
  onStep?: (step: AcceptStep) => void;
}

/** Throws `keys_needed`, `port_taken`, and what opening a line throws. */
export async function startService({ config, logger, chunk = true, onStep }: StartServiceOptions): Promise<Service> {
  const releaser = createReleaser();
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  // Whoever started the service may look at it later.
  finished.catch(() => undefined);
  const { SLUICE_SERVE_HOST: host, SLUICE_SERVE_PORT: port } = config;
  try {
    const plan = await planLine(config);
    const pool = chunk ? await openPool(plan, { config, releaser }) : undefined;
    const onOpened = (line: ServedLine): void => {
      if (pool === undefined) return;
      chunkSubmissions({ line, pool, cutId: plan.cutId, logger, releaser }).finished.catch(reject);
    };
    const lines = await serveLines({ config, plan, logger, releaser, onOpened });
    const keys = openApiKeys((await lines.get(config.SLUICE_LINE)).redis);
    const loopback = isLoopback(host);
    if (!loopback && !(await keys.configured())) {
      throw new SluiceError('keys_needed', { message: `The service would be open to everyone who reaches ${host}` });
    }
    const closing = new AbortController();
    const app = await createServer({
      config,
      logger,
      keys,
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
        fix: 'Choose another with --port or SLUICE_SERVE_PORT.',
      });
    });
    return { url, finished, close: () => releaser.release().then(resolve) };
  } catch (error) {
    await releaser.release().catch(() => undefined);
    throw error;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
