/**
 * Who sees the dashboard. It shows every tenant of the line, so it is for callers with `read` for that line and without a tenant
 * of their own. Somebody without a key who asks for a page is sent to the login page; everything else gets a problem.
 */
import { SluiceError } from '@sluice/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, mayDo, mayUse } from '../serve/caller.ts';

/** Nothing from elsewhere, no inline script, no frame; `style` is looser for Bull Board alone, which writes style elements. */
export function securityHeaders({ inlineStyle = false } = {}): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self'${inlineStyle ? " 'unsafe-inline'" : ''}`,
      "img-src 'self' data:",
      "font-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Not no-referrer: a form of ours would then say that it came from nowhere.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  };
}

/** Hooks for a scope whose routes are `public` to the service, because this decides instead. */
export function forReaders(app: FastifyInstance, line: string, headers: Record<string, string>): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    const refusal = refusalOf(request.caller, line);
    if (refusal === undefined) return;
    if (refusal.code === 'unauthorized' && wantsPage(request)) return toLogin(request, reply);
    throw refusal;
  });
}

function refusalOf(caller: Caller, line: string): SluiceError | undefined {
  if (caller.scopes.length === 0) return new SluiceError('unauthorized', { message: 'The dashboard needs a key' });
  if (!mayDo(caller, 'read') || !mayUse(caller, line))
    return new SluiceError('forbidden', {
      message: `The key ${caller.name} may not read this line`,
      expected: `scope read, line ${line}`,
      got: `${caller.scopes.join(', ')}, line ${caller.lines.join(', ')}`,
    });
  if (caller.tenant !== undefined)
    return new SluiceError('forbidden', {
      message: 'The dashboard shows every tenant, and this key belongs to one',
      expected: 'a key without tenant',
    });
  return undefined;
}

function wantsPage({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true;
}

function toLogin(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
}
