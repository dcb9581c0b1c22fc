/** The one cookie: HttpOnly, SameSite=Strict, and Secure wherever the page came over TLS. */
import type { FastifyRequest } from 'fastify';
import { SESSION_SECONDS } from './sessions.ts';

const NAME = 'sluice_session';

export function sessionToken({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return new RegExp(`(?:^|;\\s*)${NAME}=([^;]*)`).exec(headers.cookie ?? '')?.[1];
}

/** `undefined` takes the cookie away. */
export function sessionCookie(
  token: string | undefined,
  request: Pick<FastifyRequest, 'headers' | 'protocol'>,
): string {
  // A proxy in front may have taken the TLS off; believing it can only make the cookie stricter.
  const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
  const age = token === undefined ? 0 : SESSION_SECONDS;
  return `${NAME}=${token ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
