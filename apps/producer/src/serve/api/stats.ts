/** What a line holds, what waits, and how long that takes. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ServedLine } from '../served-lines.ts';
import type { ServiceParts } from '../service-parts.ts';
import { bearer, lineParameter } from './parameters.ts';
import { refusals } from './refusals.ts';

const count = z.number().int();
const statsSchema = z
  .object({
    line: z.string(),
    documents: z.object({ open: count, stored: count, partial: count, deleted: count, waiting: count }),
    backlogTokens: count.describe('Of chunks that are enqueued and have no outcome yet.'),
    backlogMark: count.describe('Above it nothing is accepted from those who have their share.'),
    tokensPerSecond: z.number().describe('Stored, over the last minute.'),
    etaSeconds: z.number().optional().describe('Until the backlog is stored, at that rate.'),
    deadLetters: count,
    workers: count,
    paused: z.string().optional().describe('Why the line is held.'),
  })
  .meta({ id: 'Stats' });

export function statsRoutes(app: FastifyInstance, { lines }: ServiceParts): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/v1/lines/:line/stats',
    config: { scope: 'read' },
    schema: {
      operationId: 'readStats',
      tags: ['line'],
      summary: 'Backlog, rate and time left',
      security: bearer,
      params: z.object({ line: lineParameter }),
      response: { 200: statsSchema.describe('Now.'), ...refusals() },
    },
    handler: async (request) => statsOf(await lines.get(request.params.line)),
  });
}

async function statsOf({ name, ledger, submissions, config }: ServedLine): Promise<z.infer<typeof statsSchema>> {
  const [counts, statistics, workers, waiting, paused] = await Promise.all([
    ledger.counts(),
    ledger.statistics(),
    ledger.liveWorkers(),
    submissions.waiting(),
    ledger.paused(),
  ]);
  const { open, stored, partial, deleted, deadLetters } = counts;
  const { backlogTokens, tokensPerSecond } = statistics;
  return {
    line: name,
    documents: { open, stored, partial, deleted, waiting },
    backlogTokens,
    backlogMark: config.SLUICE_BACKLOG_TOKENS,
    tokensPerSecond,
    ...(tokensPerSecond > 0 && backlogTokens > 0 && { etaSeconds: Math.round(backlogTokens / tokensPerSecond) }),
    deadLetters,
    workers: workers.length,
    ...(paused !== undefined && { paused }),
  };
}
