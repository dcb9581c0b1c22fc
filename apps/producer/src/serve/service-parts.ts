/** What the pages and endpoints of the service stand on. Everything is opened by `start-service.ts`. */
import type { Config, Logger } from '@sluice/core';
import type { Allowances, ApiKeys } from '@sluice/queue';
import type { FastifyInstance } from 'fastify';
import type { AcceptStep } from './accept.ts';
import type { SessionResolver } from './authenticate.ts';
import type { ServedLines } from './served-lines.ts';
import type { TokenMeter } from './token-meter.ts';

export interface ServiceParts {
  config: Config;
  logger: Logger;
  keys: ApiKeys;
  allowances: Allowances;
  meter: TokenMeter;
  lines: ServedLines;
  /** The service listens on loopback only. */
  loopback: boolean;
  /** Aborted when the service begins to close: what stays open by design (events, streams) ends then. */
  closing: AbortSignal;
  /** Told of every step of accepting; a test ends the process there. */
  onStep?: (step: AcceptStep) => void;
}

/**
 * A part of the service. `routes` are registered in a scope of their own; each route says in `config.scope` what a caller
 * must be allowed to do. A part may recognise callers by a cookie: the first session that is found counts.
 */
export interface ServicePlugin {
  routes(app: FastifyInstance, parts: ServiceParts): Promise<void> | void;
  session?(parts: ServiceParts): SessionResolver;
}
