/**
 * Decides `request.caller` before a body is read: by the bearer key, else by a session, else, where no key is configured, by
 * being on loopback. Every route says in `config.scope` what it needs; one that says nothing needs `admin`. A route with a
 * `:line` is refused to callers that may not use that line.
 *
 * Without keys a page on another host could still reach loopback by a name that resolves to it: such a request carries that
 * name in `Host` and is refused.
 */
import { SluiceError } from '@sluice/core';
import type { ApiKeys, Scope } from '@sluice/queue';
import { isLoopbackHost } from '@sluice/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, callerOf, loopbackCaller, mayDo, mayUse, nobody } from './caller.ts';
import { isForeignWrite } from './same-site.ts';

/** Who a request without a key belongs to, by its cookie; undefined: nobody. */
export type SessionResolver = (request: FastifyRequest) => Promise<Caller | undefined>;

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** What a caller must be allowed to do; `public`: nothing. Default `admin`. */
    scope?: Scope | 'public';
  }
}

export interface AuthenticateOptions {
  keys: Pick<ApiKeys, 'verify' | 'configured'>;
  /** The service listens on loopback only. */
  loopback: boolean;
  session?: SessionResolver | undefined;
}

export function authenticate(app: FastifyInstance, { keys, loopback, session }: AuthenticateOptions): void {
  async function identify(request: FastifyRequest): Promise<Caller> {
    const header = request.headers.authorization;
    if (header !== undefined) {
      const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
      const key = token === undefined ? undefined : await keys.verify(token);
      return key === undefined ? nobody : callerOf(key);
    }
    const bySession = await session?.(request);
    if (bySession !== undefined) return bySession;
    if (loopback && isLoopbackHost(request.headers.host) && !(await keys.configured())) return loopbackCaller;
    return nobody;
  }

  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    const { scope = 'admin' } = request.routeOptions.config;
    request.caller = nobody;
    if (request.is404) return;
    // A key in a header is nobody's by accident; a cookie and loopback are.
    if (request.headers.authorization === undefined && isForeignWrite(request.method, request.headers)) {
      request.log.warn({ event: 'foreign write refused', ip: request.ip, path: request.routeOptions.url }, 'refused');
      throw new SluiceError('forbidden', { message: 'A page of another site asked for this' });
    }
    request.caller = await identify(request);
    if (scope === 'public') return;
    if (request.caller === nobody) {
      request.log.warn({ event: 'caller refused', ip: request.ip, path: request.routeOptions.url }, 'no valid key');
      reply.header('www-authenticate', 'Bearer');
      throw new SluiceError('unauthorized', { message: 'This request needs a valid key' });
    }
    const { name, scopes, lines } = request.caller;
    if (!mayDo(request.caller, scope)) {
      throw new SluiceError('forbidden', {
        message: `The key ${name} may not do this`,
        expected: `scope ${scope}`,
        got: scopes.join(', '),
      });
    }
    const { line } = request.params as { line?: string };
    if (line !== undefined && !mayUse(request.caller, line)) {
      throw new SluiceError('forbidden', {
        message: `The key ${name} may not use this line`,
        expected: `line ${lines.join(' or ')}`,
        got: line.slice(0, 60),
      });
    }
  });
}
