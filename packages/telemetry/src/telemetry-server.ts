/**
 * Metrics and health of one process on a port of their own, loopback unless told otherwise: `/metrics`, `/livez`, `/readyz`.
 * It never keeps work from being done: when its port is taken it says so and takes a free one.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@sluice/core';
import type { Health } from './health.ts';
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts';
import type { Metrics } from './metrics.ts';

export interface TelemetryServer {
  url: string;
  close(): Promise<void>;
}

interface Reply {
  status: number;
  type: string;
  body: string;
}

export async function serveTelemetry({
  host,
  port,
  metrics,
  health,
  logger,
  quiet = false,
}: {
  host: string;
  /** 0 chooses a free one. */
  port: number;
  metrics: Metrics;
  health: Health;
  logger: Logger;
  quiet?: boolean;
}): Promise<TelemetryServer> {
  async function answer({ method, url, headers }: IncomingMessage): Promise<Reply> {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Only GET.');
    if (isLoopbackAddress(host) && !isLoopbackHost(headers.host)) return plain(403, 'Ask by the loopback address.');
    switch (url?.split('?')[0]) {
      case '/metrics':
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics.text() };
      case '/livez': {
        const liveness = health.live();
        return json(liveness.live ? 200 : 503, liveness);
      }
      case '/readyz': {
        const readiness = await health.ready();
        return json(readiness.ready ? 200 : 503, readiness);
      }
      default:
        return plain(404, 'Here are /metrics, /livez and /readyz.');
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    answer(request)
      .catch((error: unknown) => {
        logger.error({ err: error }, 'a telemetry request failed');
        return plain(500, 'It failed; the log says why.');
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
  });
  const listen = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    logger[quiet ? 'debug' : 'warn'](
      { event: 'metrics port taken', host, port },
      'its port is taken: a free one is used',
    );
    return listen(0);
  });
  const { address, port: got, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${got}`;
  logger[quiet ? 'debug' : 'info']({ event: 'metrics served', url: `${url}/metrics` }, 'metrics and health');
  return {
    url,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function json(status: number, body: unknown): Reply {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function plain(status: number, text: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}
