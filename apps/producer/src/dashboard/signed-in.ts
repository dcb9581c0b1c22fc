/** Name of the key whose session this is; undefined for callers without one, who cannot sign out. */
import type { FastifyRequest } from 'fastify';
import { sessionToken } from './session-cookie.ts';

export function signedInAs(request: FastifyRequest): string | undefined {
  return sessionToken(request) !== undefined && request.caller.keyId !== undefined ? request.caller.name : undefined;
}
