/** What a connection may cost before anybody knows who asks: bytes of headers, time until they are there, silence. */
import type { FastifyServerOptions } from 'fastify';

const MAX_HEADER_BYTES = 16_384;
const HEADERS_MS = 10_000;
/** A connection on which nothing moves for so long is closed. */
const IDLE_MS = 60_000;
/** Node looks at its connections this often; its default of half a minute would be three times the limit for headers. */
const LOOKS = 10;

export function connectionLimits({ headersMs = HEADERS_MS, idleMs = IDLE_MS } = {}) {
  return {
    connectionTimeout: idleMs,
    keepAliveTimeout: idleMs,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersMs,
      connectionsCheckingInterval: headersMs / LOOKS,
    },
  } satisfies FastifyServerOptions & { http: object };
}
