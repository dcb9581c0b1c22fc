/**
 * Bytes of bodies whose length nobody said (chunked), as they arrive. Where a length was said it is known before anything is
 * read, and Node lets no more through.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** `arrived` may throw what refuses the rest. Bodies that a handler reads itself (`streamed`) are counted there. */
export function countBodies(app: FastifyInstance, arrived: (request: FastifyRequest, bytes: number) => void): void {
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (request.headers['transfer-encoding'] === undefined || request.routeOptions.config.streamed === true) {
      return payload;
    }
    // The connection stays, so that the refusal can be answered on it.
    const chunks = (payload as Readable).iterator({ destroyOnReturn: false });
    return Readable.from(
      (async function* () {
        for await (const chunk of chunks) {
          arrived(request, (chunk as Buffer).length);
          yield chunk as Buffer;
        }
      })(),
    );
  });
}
