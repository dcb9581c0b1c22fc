/** Searching a line, for trying things: the readable revisions only, one tenant's if the caller has one. */
import type { Engine } from '@sluice/embedder';
import { openQueryEngine, queryLine } from '@sluice/line';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ServedLine } from '../served-lines.ts';
import type { ServiceParts } from '../service-parts.ts';
import { tenantOf } from './document-body.ts';
import { bearer, lineParameter, tenantQuery } from './parameters.ts';
import { refusals } from './refusals.ts';

const hitSchema = z
  .object({
    rank: z.number().int(),
    score: z.number().describe('Cosine similarity.'),
    docId: z.string(),
    tenant: z.string().optional(),
    revision: z.string(),
    ordinal: z.number().int(),
    start: z.number().int(),
    end: z.number().int(),
    heading: z.array(z.string()),
    text: z.string(),
    incomplete: z.boolean().optional().describe('The document has no whole revision yet.'),
  })
  .meta({ id: 'Hit' });

export function searchRoutes(app: FastifyInstance, { config, lines, logger, closing }: ServiceParts): void {
  let engine: Promise<Engine> | undefined;
  /** Made and proved when it is first asked for: many services never search. All lines of a service hold one space. */
  const queryEngine = (line: ServedLine): Promise<Engine> => {
    engine ??= openQueryEngine(line, { config, logger, signal: closing }).catch((error: unknown) => {
      engine = undefined;
      throw error;
    });
    return engine;
  };
  app.addHook('onClose', async () => (await engine?.catch(() => undefined))?.close());

  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/v1/lines/:line/search',
    config: { scope: 'read' },
    schema: {
      operationId: 'search',
      tags: ['search'],
      summary: 'Search, for trying things',
      security: bearer,
      params: z.object({ line: lineParameter }),
      body: z.strictObject({
        text: z.string().min(1).max(8_192),
        hits: z.number().int().min(1).max(100).optional().describe('How many; 5 if absent.'),
        tenant: tenantQuery.shape.tenant,
      }),
      response: { 200: z.object({ hits: z.array(hitSchema) }).describe('Best first.'), ...refusals({ body: true }) },
    },
    async handler(request) {
      const line = await lines.get(request.params.line);
      const { text, hits: k = 5 } = request.body;
      const tenant = tenantOf(request.caller, request.body.tenant);
      const hits = await queryLine(line, await queryEngine(line), text, { k, ...(tenant !== undefined && { tenant }) });
      return { hits };
    },
  });
}
