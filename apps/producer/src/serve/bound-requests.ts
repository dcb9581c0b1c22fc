/**
 * Bounds the requests of the API in hand and the bytes of their bodies, from their headers until their answer. The first thing
 * that is looked at: a request that is refused here costs neither a look at Redis nor the reading of its body. What lasts by
 * design (streams, events) is bounded where it is served.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createRoom, type Visit } from './room.ts';

/** At a thousand requests a second, a quarter of a second's worth. */
const MOST_IN_HAND = 256;
/** A body is there three times while it is read (bytes, text, values). Never less than four of the largest. */
const MOST_BYTES_IN_HAND = 134_217_728;
const LARGEST_BODIES = 4;

export interface Bounds {
  shareByCaller(): void;
  /** More of a body came whose length was not said. Throws `service_busy`. */
  arrived(request: FastifyRequest, bytes: number): void;
}

/** Called before `authenticate`, because keys are looked up in Redis too; `shareByCaller` after it. */
export function boundRequests(app: FastifyInstance, { maxRequestBytes }: { maxRequestBytes: number }): Bounds {
  const mostBytes = Math.max(MOST_BYTES_IN_HAND, LARGEST_BODIES * maxRequestBytes);
  const room = createRoom(MOST_IN_HAND, { mostBytes });
  const visits = new WeakMap<FastifyRequest, Visit>();
  const handled = new WeakSet<FastifyRequest>();

  app.addHook('onRequest', async (request, reply) => {
    const { scope, streamed = false } = request.routeOptions.config;
    if (request.is404 || streamed || scope === 'public') return;
    const visit = room.enter();
    visits.set(request, visit);
    // A caller who goes away while the handler works has not ended the work.
    reply.raw.once('close', () => handled.has(request) || visit.leave());
    const bytes = Number(request.headers['content-length'] ?? 0);
    // One that is larger than any may be is refused without being read.
    if (bytes <= maxRequestBytes) visit.hold(bytes);
  });
  app.addHook('preHandler', async (request) => void handled.add(request));
  app.addHook('onSend', async (request) => visits.get(request)?.leave());

  return {
    shareByCaller() {
      app.addHook('onRequest', async (request) => {
        if (request.caller.keyId !== undefined) visits.get(request)?.belongsTo(request.caller.keyId);
      });
    },
    arrived: (request, bytes) => visits.get(request)?.hold(bytes),
  };
}
