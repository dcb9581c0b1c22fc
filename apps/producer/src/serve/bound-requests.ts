/**
 * Bounds the requests of the API in hand, from their headers until their answer. The first thing that is looked at: a request that
 * is refused here costs neither a look at Redis nor the reading of its body. What lasts by design (streams, events) is bounded
 * where it is served.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createRoom, type Visit } from './room.ts';

/** At a thousand requests a second, a quarter of a second's worth. Each may have a body of `SLUICE_MAX_REQUEST_BYTES`. */
const MOST_IN_HAND = 256;

/** Called before `authenticate`, because keys are looked up in Redis too; `shareByCaller` after it. */
export function boundRequests(app: FastifyInstance): { shareByCaller(): void } {
  const room = createRoom(MOST_IN_HAND);
  const visits = new WeakMap<FastifyRequest, Visit>();
  const handled = new WeakSet<FastifyRequest>();

  app.addHook('onRequest', async (request, reply) => {
    const { scope, streamed = false } = request.routeOptions.config;
    if (request.is404 || streamed || scope === 'public') return;
    const visit = room.enter();
    visits.set(request, visit);
    // A caller who goes away while the handler works has not ended the work.
    reply.raw.once('close', () => handled.has(request) || visit.leave());
  });
  app.addHook('preHandler', async (request) => void handled.add(request));
  app.addHook('onSend', async (request) => visits.get(request)?.leave());

  return {
    shareByCaller() {
      app.addHook('onRequest', async (request) => {
        if (request.caller.keyId !== undefined) visits.get(request)?.belongsTo(request.caller.keyId);
      });
    },
  };
}
