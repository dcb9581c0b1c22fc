/** `sluice serve`: opens what the service stands on and listens. Beyond loopback only where there is an API key. */
import { isIP } from 'node:net';
import { type Config, createReleaser, type Logger, SluiceError } from '@sluice/core';
import { planLine } from '@sluice/line';
import { openApiKeys } from '@sluice/queue';
import { createServer } from './create-server.ts';
import { serveLines } from './served-lines.ts';

export interface Service {
  url: string;
  /** Idempotent: answers what is under way, then closes. */
  close(): Promise<void>;
}

/** Throws `keys_needed`, `port_taken`, and what opening a line throws. */
export async function startService({ config, logger }: { config: Config; logger: Logger }): Promise<Service> {
  const releaser = createReleaser();
  const { SLUICE_SERVE_HOST: host, SLUICE_SERVE_PORT: port } = config;
  try {
    const lines = await serveLines({ config, plan: await planLine(config), logger, releaser });
    const keys = openApiKeys((await lines.get(config.SLUICE_LINE)).redis);
    const loopback = isLoopback(host);
    if (!loopback && !(await keys.configured())) {
      throw new SluiceError('keys_needed', { message: `The service would be open to everyone who reaches ${host}` });
    }
    const closing = new AbortController();
    const app = await createServer({ config, logger, keys, lines, loopback, closing: closing.signal });
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
    return { url, close: () => releaser.release() };
  } catch (error) {
    await releaser.release().catch(() => undefined);
    throw error;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
