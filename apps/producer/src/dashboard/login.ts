/** Signing in with an API key: the key opens a session, the cookie holds the session, the key is kept nowhere. */
import type { ApiKeys } from '@sluice/queue';
import type { FastifyInstance } from 'fastify';
import { securityHeaders } from './guard.ts';
import { html } from './html.ts';
import { sendPage } from './page.ts';
import { sessionCookie, sessionToken } from './session-cookie.ts';
import type { Sessions } from './sessions.ts';

const FORM_BYTES = 4_096;

export function loginRoutes(
  app: FastifyInstance,
  { line, keys, sessions }: { line: string; keys: Pick<ApiKeys, 'verify'>; sessions: Sessions },
): void {
  const config = { scope: 'public' as const };
  app.addHook('onRequest', async (_request, reply) => void reply.headers(securityHeaders()));
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    async (_request: unknown, body: string | Buffer) => Object.fromEntries(new URLSearchParams(body.toString())),
  );

  app.get<{ Querystring: { next?: string } }>('/login', { config, schema: { hide: true } }, (request, reply) =>
    sendPage(reply, { title: 'Sign in', line, bare: true, body: form(localPath(request.query.next), false) }),
  );

  app.post<{ Body: { key?: string; next?: string } | undefined }>(
    '/login',
    { config, schema: { hide: true } },
    async (request, reply) => {
      const next = localPath(request.body?.next);
      const key = await keys.verify(request.body?.key?.trim() ?? '');
      if (key === undefined) {
        request.log.warn({ event: 'login refused', ip: request.ip }, 'no valid key');
        return sendPage(reply, { title: 'Sign in', line, bare: true, body: form(next, true) }, 401);
      }
      request.log.info({ event: 'signed in', key: key.name, ip: request.ip }, 'signed in');
      reply.header('set-cookie', sessionCookie(await sessions.open(key.id), request));
      return reply.redirect(next, 303);
    },
  );

  app.post('/logout', { config, schema: { hide: true } }, async (request, reply) => {
    const token = sessionToken(request);
    if (token !== undefined) await sessions.close(token);
    reply.header('set-cookie', sessionCookie(undefined, request));
    return reply.redirect('/login', 303);
  });
}

function form(next: string, refused: boolean) {
  return html`<form class="login card" method="post" action="/login">
<h1>Sign in</h1>
<p class="quiet">with an API key of this service. <code>sluice keys add</code> makes one; <b>read</b> is enough to watch.</p>
${refused && html`<p class="bad" role="alert">No such key. It may have been revoked.</p>`}
<input type="hidden" name="next" value="${next}">
<label>API key<input name="key" type="password" autocomplete="current-password" required autofocus spellcheck="false"></label>
<button class="primary">Sign in</button>
</form>`;
}

/** Where to go afterwards: a path of this host and nothing else. */
function localPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/';
}
