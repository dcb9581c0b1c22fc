/** What a key may use up: requests and bytes of bodies here, tokens where documents are accepted. */
import { SluiceError } from '@sluice/core';
import type { Allowances } from '@sluice/queue';
import type { FastifyInstance } from 'fastify';

/** After `authenticate`, so that the caller is known. */
export function limitCallers(app: FastifyInstance, allowances: Allowances): void {
  app.addHook('onRequest', async ({ caller: { keyId, limits, name }, headers }) => {
    if (keyId === undefined) return;
    // The bytes of a stream are not known when it begins; it is bounded by tokens.
    const bytes = Number(headers['content-length'] ?? 0);
    refuseUnlessZero(await allowances.spend(keyId, limits, { requests: 1, bytes }), name);
  });
}

/** Throws `rate_limited`. `waitMs`: what `Allowances.spend` answered. */
export function refuseUnlessZero(waitMs: number, name: string): void {
  if (waitMs === 0) return;
  throw new SluiceError('rate_limited', {
    message: `The key ${name} has used up what it may use in a minute`,
    retryAfterMs: waitMs,
  });
}
