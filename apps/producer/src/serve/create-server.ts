/**
 * The Fastify instance of `sluice serve`: limits, callers, problems, the API and the other parts. Zod schemas are the one
 * source of types, validation and the OpenAPI document.
 */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { refuseMethods } from './allowed-methods.ts';
import { authenticate, type SessionResolver } from './authenticate.ts';
import { boundRequests } from './bound-requests.ts';
import { closeConnections } from './close-connections.ts';
import { connectionLimits } from './connection-limits.ts';
import { countBodies } from './count-bodies.ts';
import { limitCallers } from './limit-callers.ts';
import { describeApi, showApi } from './openapi.ts';
import { plugins } from './plugins.ts';
import { sendProblem } from './problem.ts';
import { readBodies } from './read-body.ts';
import type { ServiceParts } from './service-parts.ts';

/** A document id has 512 bytes at most, three characters each where they are escaped. */
const MAX_PARAM_LENGTH = 1_600;

export async function createServer(parts: ServiceParts): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    ...connectionLimits(),
    loggerInstance: parts.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: parts.config.SLUICE_MAX_REQUEST_BYTES,
    // An address that cannot be decoded is refused before any route is known.
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  closeConnections(app);
  refuseMethods(app);
  const bounds = boundRequests(app, { maxRequestBytes: parts.config.SLUICE_MAX_REQUEST_BYTES });
  readBodies(app);
  authenticate(app, {
    keys: parts.keys,
    loopback: parts.loopback,
    session: firstSession(plugins.flatMap(({ session }) => (session === undefined ? [] : [session(parts)]))),
  });
  bounds.shareByCaller();
  const limits = limitCallers(app, parts.allowances);
  countBodies(app, (request, bytes) => {
    limits.arrived(request, bytes);
    bounds.arrived(request, bytes);
  });
  await describeApi(app);
  for (const { routes } of plugins) await app.register(async (scope) => routes(scope, parts));
  await showApi(app);
  return app;
}

function firstSession(sessions: readonly SessionResolver[]): SessionResolver {
  return async (request) => {
    for (const session of sessions) {
      const caller = await session(request);
      if (caller !== undefined) return caller;
    }
    return undefined;
  };
}
