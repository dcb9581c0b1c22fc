/**
 * What stays open by design (streams, events, the live page) outlives the look at its key: it ends when the key is revoked, where
 * there was none when the first is made, and when the service closes.
 */
import { SluiceError } from '@sluice/core';
import type { Caller } from './caller.ts';
import type { ServiceParts } from './service-parts.ts';

export interface Allowed {
  /** Aborted with the reason, when what is open has to end. */
  readonly signal: AbortSignal;
  /** It is closed: nobody looks any more. */
  end(): void;
}

/** Keys themselves are read from Redis every two seconds, for all requests together. */
const LOOK_MS = 1_000;

export function whileAllowed(
  { keyId, name }: Pick<Caller, 'keyId' | 'name'>,
  { keys, closing, lookMs = LOOK_MS }: Pick<ServiceParts, 'keys' | 'closing'> & { lookMs?: number },
): Allowed {
  const revoked = new AbortController();
  const timer = setInterval(async () => {
    // An outage revokes nothing.
    const allowed = await isAllowed().catch(() => true);
    if (allowed) return;
    clearInterval(timer);
    revoked.abort(new SluiceError('unauthorized', { message: `The key ${name} may not be used any more` }));
  }, lookMs);

  async function isAllowed(): Promise<boolean> {
    return keyId === undefined ? !(await keys.configured()) : (await keys.read(keyId)) !== undefined;
  }

  return { signal: AbortSignal.any([closing, revoked.signal]), end: () => clearInterval(timer) };
}
