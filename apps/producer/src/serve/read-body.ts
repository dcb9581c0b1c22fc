/**
 * Reading request bodies: JSON that is UTF-8 and not nested deeper than a document may be, checked before it is parsed. A body
 * that trickles in is given up: the idle limit of the connection does not see it.
 */
import { isUtf8 } from 'node:buffer';
import { SluiceError } from '@sluice/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { checkDepth } from '../source/parse-record.ts';
import { problemOf } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Lasts: the handler reads the body, or answers, for as long as something moves. */
    streamed?: boolean;
  }
}

/** A whole body must have arrived by then. */
const BODY_MS = 30_000;

/** Whether a body is on its way, whatever type it says it has. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

export function readBodies(app: FastifyInstance, { bodyMs = BODY_MS }: { bodyMs?: number } = {}): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      if (!isUtf8(body)) throw new SluiceError('bad_request', { message: 'The body is not UTF-8' });
      const text = body.toString('utf8');
      checkDepth(text);
      parse(request, text, done);
    } catch (error) {
      done(error as Error);
    }
  });

  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.routeOptions.config.streamed === true || !hasBody(request)) return payload;
    const timer = setTimeout(() => {
      if (reply.raw.headersSent) return request.raw.destroy();
      const slow = new SluiceError('slow_request', {
        message: 'The body did not arrive in time',
        expected: `all of it within ${bodyMs / 1_000} s`,
      });
      reply.hijack();
      reply.raw.writeHead(408, { 'content-type': 'application/problem+json; charset=utf-8', connection: 'close' });
      return reply.raw.end(JSON.stringify(problemOf(slow, request.id)), () => request.raw.destroy());
    }, bodyMs);
    timers.set(request, timer);
    request.raw.once('close', () => clearTimeout(timer));
    return payload;
  });
  app.addHook('preValidation', async (request) => request.raw.complete && clearTimeout(timers.get(request)));
  // Refused before it arrived: Node would read on for as long as something comes, and throw it away.
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete || raw.destroyed) return;
    const timer = setTimeout(() => raw.destroy(), bodyMs);
    raw.once('close', () => clearTimeout(timer));
  });
}
