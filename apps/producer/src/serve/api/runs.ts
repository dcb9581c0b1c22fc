/** Bulk runs: their counts, and the same as server-sent events until everything that was accepted has ended. */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError } from '@sluice/core';
import type { Runs } from '@sluice/queue';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller } from '../caller.ts';
import { createRoom } from '../room.ts';
import type { ServiceParts } from '../service-parts.ts';
import { whileAllowed } from '../while-allowed.ts';
import { bearer, eventStream, lineParameter, runParameter } from './parameters.ts';
import { refusals } from './refusals.ts';

const count = z.number().int();
const runSchema = z
  .object({
    id: z.string(),
    startedAt: z.string().describe('ISO 8601.'),
    finishedAt: z.string().optional().describe('When everything had been read.'),
    ended: z.boolean().describe('Everything that was accepted is stored, superseded, partial or deleted.'),
    documents: z.object({
      read: count,
      unchanged: count,
      skipped: count,
      accepted: count,
      stored: count,
      superseded: count,
      partial: count,
      deleted: count,
      rejected: count,
      unsettled: count,
    }),
    chunks: z.object({ accepted: count, stored: count, reused: count, dead: count }),
    tokens: z.object({ accepted: count, useful: count, padded: count }),
    engineRequests: count,
    rejectedByCode: z.record(z.string(), count),
  })
  .meta({ id: 'Run' });

const LOOK_MS = 1_000;
/** Keeps proxies from closing a silent connection. */
const KEEP_ALIVE_MS = 15_000;
/** Open event streams of one process; half of them for one key. */
const MOST_STREAMS = 200;

export function runRoutes(app: FastifyInstance, parts: ServiceParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const params = z.object({ line: lineParameter, id: runParameter });
  const room = createRoom(MOST_STREAMS);
  const { lines } = parts;

  api.route({
    method: 'GET',
    url: '/v1/lines/:line/runs/:id',
    config: { scope: 'read' },
    schema: {
      operationId: 'readRun',
      tags: ['runs'],
      summary: 'A bulk run and its counts',
      security: bearer,
      params,
      response: { 200: runSchema.describe('The run.'), ...refusals() },
    },
    async handler(request) {
      refuseTenants(request.caller);
      const { runs } = await lines.get(request.params.line);
      return readRun(runs, request.params.id);
    },
  });

  api.route({
    method: 'GET',
    url: '/v1/lines/:line/runs/:id/events',
    // A HEAD would read the events to their end.
    exposeHeadRoute: false,
    config: { scope: 'read', streamed: true },
    schema: {
      operationId: 'watchRun',
      tags: ['runs'],
      summary: 'A bulk run as it goes on',
      description: 'Server-sent events: `progress` whenever a count changes, `end` when nothing is left to come.',
      security: bearer,
      params,
      response: {
        200: { description: 'Events.', content: { 'text/event-stream': { schema: eventStream } } },
        ...refusals(),
      },
    },
    async handler(request, reply) {
      refuseTenants(request.caller);
      const { runs } = await lines.get(request.params.line);
      const first = await readRun(runs, request.params.id);
      const visit = room.enter();
      const allowed = whileAllowed(request.caller, parts);
      reply.raw.once('close', () => {
        visit.leave();
        allowed.end();
      });
      visit.belongsTo(request.caller.keyId ?? '');
      const events = Readable.from(eventsOf(runs, first, allowed.signal));
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(events);
    },
  });
}

async function readRun(runs: Runs, id: string): Promise<z.infer<typeof runSchema>> {
  const { startedAt, finishedAt, documents, chunks, tokens, engineRequests, rejectedByCode } = await runs.read(id);
  return {
    id,
    startedAt: new Date(startedAt).toISOString(),
    ...(finishedAt !== undefined && { finishedAt: new Date(finishedAt).toISOString() }),
    ended: finishedAt !== undefined && documents.unsettled === 0,
    documents,
    chunks,
    tokens,
    engineRequests,
    rejectedByCode,
  };
}

async function* eventsOf(runs: Runs, first: z.infer<typeof runSchema>, allowed: AbortSignal): AsyncGenerator<string> {
  let told = '';
  let toldAt = performance.now();
  for (let run = first; ; run = await readRun(runs, first.id)) {
    const now = JSON.stringify(run);
    if (now !== told) {
      yield `event: progress\ndata: ${now}\n\n`;
      [told, toldAt] = [now, performance.now()];
    } else if (performance.now() - toldAt > KEEP_ALIVE_MS) {
      yield ': still here\n\n';
      toldAt = performance.now();
    }
    if (run.ended) yield `event: end\ndata: ${now}\n\n`;
    if (run.ended || allowed.aborted) return;
    await delay(LOOK_MS, undefined, { signal: allowed }).catch(() => undefined);
  }
}

/** A run holds documents of every tenant. */
function refuseTenants({ name, tenant }: Caller): void {
  if (tenant === undefined) return;
  throw new SluiceError('forbidden', { message: `The key ${name} is for one tenant; runs are of the whole line` });
}
