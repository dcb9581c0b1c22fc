/**
 * What a key may use up: requests and bytes of bodies here, tokens where documents are accepted. Bytes of a length that was said
 * are spent before the body is read; those of a chunked body are owed while they arrive, and spent when it is whole or with
 * the key's next request: a body that is refused or broken off was sent all the same. Streams pay as they go.
 */
import { SluiceError } from '@sluice/core';
import type { Allowances } from '@sluice/queue';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from './caller.ts';

/** After `authenticate`, so that the caller is known. */
export function limitCallers(
  app: FastifyInstance,
  allowances: Allowances,
): { arrived(request: FastifyRequest, bytes: number): void } {
  /** By key, in bytes. */
  const owed = new Map<string, number>();

  function owe(keyId: string, bytes: number): void {
    if (bytes > 0) owed.set(keyId, (owed.get(keyId) ?? 0) + bytes);
  }

  async function spend({ keyId, limits, name }: Caller, spending: { requests?: number; bytes: number }): Promise<void> {
    if (keyId === undefined) return;
    const debt = owed.get(keyId) ?? 0;
    owed.delete(keyId);
    try {
      refuseUnlessZero(await allowances.spend(keyId, limits, { ...spending, bytes: spending.bytes + debt }), name);
    } catch (error) {
      owe(keyId, debt);
      throw error;
    }
  }

  app.addHook('onRequest', async ({ caller, headers, routeOptions }) => {
    const bytes = routeOptions.config.streamed === true ? 0 : Number(headers['content-length'] ?? 0);
    await spend(caller, { requests: 1, bytes });
  });
  app.addHook('preValidation', async ({ caller }) => {
    if (owed.has(caller.keyId ?? '')) await spend(caller, { bytes: 0 });
  });

  return {
    arrived({ caller: { keyId, limits } }, bytes) {
      if (keyId !== undefined && limits.bytes !== undefined) owe(keyId, bytes);
    },
  };
}

/** Throws `rate_limited`. `waitMs`: what `Allowances.spend` answered. */
export function refuseUnlessZero(waitMs: number, name: string): void {
  if (waitMs === 0) return;
  throw new SluiceError('rate_limited', {
    message: `The key ${name} has used up what it may use in a minute`,
    retryAfterMs: waitMs,
  });
}
