/** Handing in, looking at and deleting documents. */
import { documentKey, type Revision, revisionHex, SluiceError } from '@sluice/core';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { acceptDocuments } from '../accept.ts';
import type { ServedLine } from '../served-lines.ts';
import type { ServiceParts } from '../service-parts.ts';
import { documentsBodySchema, documentsOf, tenantOf } from './document-body.ts';
import {
  bearer,
  documentParameter,
  idempotencyHeader,
  lineParameter,
  priorityQuery,
  tenantQuery,
} from './parameters.ts';
import { refusals } from './refusals.ts';

const acceptedSchema = z
  .object({
    documents: z.array(
      z.object({
        id: z.string(),
        tenant: z.string().optional(),
        revision: z.string().describe('Drawn now, or when the idempotency key came first.'),
        repeated: z.boolean().describe('The idempotency key came before; nothing was accepted anew.'),
        unchanged: z
          .boolean()
          .describe('The document is stored as it is, by this revision; nothing was accepted anew.'),
      }),
    ),
  })
  .meta({ id: 'Accepted' });

const documentStateSchema = z
  .object({
    id: z.string(),
    tenant: z.string().optional(),
    state: z
      .enum(['accepted', 'open', 'stored', 'partial', 'deleted', 'rejected'])
      .describe(
        'accepted: not chunked yet · open: chunks are missing · stored · partial: some chunks are dead · deleted · rejected: see `rejection`.',
      ),
    revision: z.string().describe('The latest one that was accepted.'),
    chunks: z.object({ count: z.number().int(), stored: z.number().int(), dead: z.number().int() }),
    readableRevision: z.string().optional().describe('What searches find; absent: nothing yet.'),
    rejection: z.object({ code: z.string(), reason: z.string() }).optional(),
  })
  .meta({ id: 'DocumentState' });

type DocumentStateBody = z.infer<typeof documentStateSchema>;

export function documentRoutes(app: FastifyInstance, { config, lines, allowances, meter, onStep }: ServiceParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['documents'];

  api.route({
    method: 'POST',
    url: '/v1/lines/:line/documents',
    config: { scope: 'ingest' },
    schema: {
      operationId: 'submitDocuments',
      tags,
      summary: 'Hand in one document or several',
      description:
        '202 means accepted: each document has its revision, and whatever is killed from now on it ends as stored, superseded, dead or rejected with a reason.',
      security: bearer,
      params: z.object({ line: lineParameter }),
      querystring: priorityQuery,
      headers: idempotencyHeader,
      body: documentsBodySchema,
      response: { 202: acceptedSchema.describe('Accepted.'), ...refusals({ body: true, conflict: true }) },
    },
    async handler(request, reply) {
      const line = await lines.get(request.params.line);
      const documents = documentsOf(request.body, {
        caller: request.caller,
        maxBytes: config.SLUICE_MAX_DOCUMENT_BYTES,
      });
      const accepted = await acceptDocuments(line, documents, {
        caller: request.caller,
        allowances,
        meter,
        priority: request.query.priority ?? 'live',
        idempotencyKey: request.headers['idempotency-key'],
        onStep,
      });
      return reply.code(202).send({ documents: accepted });
    },
  });

  api.route({
    method: 'GET',
    url: '/v1/lines/:line/documents/:id',
    config: { scope: 'read' },
    schema: {
      operationId: 'readDocument',
      tags,
      summary: 'What became of a document',
      security: bearer,
      params: z.object({ line: lineParameter, id: documentParameter }),
      querystring: tenantQuery,
      response: { 200: documentStateSchema.describe('Its state.'), ...refusals() },
    },
    async handler(request) {
      const line = await lines.get(request.params.line);
      const tenant = tenantOf(request.caller, request.query.tenant);
      return stateOf(line, request.params.id, tenant);
    },
  });

  api.route({
    method: 'DELETE',
    url: '/v1/lines/:line/documents/:id',
    config: { scope: 'ingest' },
    schema: {
      operationId: 'deleteDocument',
      tags,
      summary: 'Delete a document',
      description: 'Deleted for readers at once; deleting again is harmless.',
      security: bearer,
      params: z.object({ line: lineParameter, id: documentParameter }),
      querystring: tenantQuery,
      response: {
        200: z.object({ id: z.string(), revision: z.string() }).describe('Deleted by this revision.'),
        ...refusals(),
      },
    },
    async handler(request) {
      const line = await lines.get(request.params.line);
      const { id } = request.params;
      const tenant = tenantOf(request.caller, request.query.tenant);
      const [removed] = await line.ledger.remove([{ key: documentKey({ line: line.name, tenant, id }) }]);
      if (removed!.answer === 'unknown') throw unknown(line, id);
      return { id, revision: removed!.revision };
    },
  });
}

/** The newest revision that was accepted counts; what was drawn and never enqueued was accepted by nobody. */
async function stateOf(line: ServedLine, id: string, tenant: string | undefined): Promise<DocumentStateBody> {
  const key = documentKey({ line: line.name, tenant, id });
  const [state] = await line.ledger.read([key]);
  if (state === undefined) throw unknown(line, id);
  const named = {
    id,
    ...(tenant !== undefined && { tenant }),
    ...(state.wholeRevision !== undefined && { readableRevision: state.wholeRevision }),
  };
  const nothing = { count: 0, stored: 0, dead: 0 };
  const { currentRevision } = state;
  for (const revision of newestFirst([...state.reservedRevisions, ...state.preparedRevisions])) {
    if (currentRevision !== undefined && older(revision, currentRevision)) break;
    if (state.preparedRevisions.includes(revision)) return { ...named, state: 'accepted', revision, chunks: nothing };
    const found = await line.submissions.stateOf(key, revision);
    if (found?.state === 'waiting') return { ...named, state: 'accepted', revision, chunks: nothing };
    if (found?.state === 'rejected') {
      const { code, reason } = found;
      return { ...named, state: 'rejected', revision, chunks: nothing, rejection: { code, reason } };
    }
  }
  if (currentRevision === undefined || state.state === 'prepared') throw unknown(line, id);
  const { chunkCount: count, stored, dead } = state;
  return { ...named, state: state.state, revision: currentRevision, chunks: { count, stored, dead } };
}

function older(a: Revision, b: Revision): boolean {
  return revisionHex(a) < revisionHex(b);
}

function newestFirst(revisions: readonly Revision[]): Revision[] {
  return [...revisions].sort((a, b) => (older(a, b) ? 1 : -1));
}

function unknown({ name }: Pick<ServedLine, 'name'>, id: string): SluiceError {
  return new SluiceError('unknown_document', {
    message: `The line has no document ${JSON.stringify(id.slice(0, 200))}`,
    where: `line ${name}`,
  });
}
