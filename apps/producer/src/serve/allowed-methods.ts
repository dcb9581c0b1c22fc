/** What is asked for in vain: an address that there is, by a method that it does not take (405 with `Allow`), or none at all. */
import { errorCodes, SluiceError } from '@sluice/core';
import type { FastifyInstance } from 'fastify';
import { sendProblem } from './problem.ts';

/** Call before any route is registered. */
export function refuseMethods(app: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: Set<string> }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const pattern = patternOf(url);
    const known = routes.find((route) => route.pattern.source === pattern.source);
    const { methods } = known ?? { methods: new Set<string>() };
    for (const one of [method].flat()) methods.add(one);
    if (known === undefined) routes.push({ pattern, methods });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const allowed = routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]);
    if (allowed.length === 0) {
      return sendProblem(new SluiceError('unknown_path', { message: errorCodes.unknown_path.means }), request, reply);
    }
    reply.header('allow', allowed.join(', '));
    const { means } = errorCodes.method_not_allowed;
    const refusal = new SluiceError('method_not_allowed', { message: means, expected: allowed.join(', ') });
    return sendProblem(refusal, request, reply);
  });
}

/** Fastify's patterns: `:name` is a part of a path, `::` a colon. */
function patternOf(url: string): RegExp {
  const source = url
    .split('::')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+'))
    .join(':');
  return new RegExp(`^${source}$`);
}
