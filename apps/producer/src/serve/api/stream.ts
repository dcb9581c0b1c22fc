/**
 * `documents:stream`: NDJSON in, a verdict a line out, in order. What a client sends is read only as fast as documents are accepted
 * and verdicts are taken: where there is no room the stream waits, on the socket, instead of refusing. So a client must read
 * while it sends.
 */
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { isSluiceError, SluiceError, type SourceDocument } from '@sluice/core';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseRecord } from '../../source/parse-record.ts';
import { type Line, readLines } from '../../source/read-lines.ts';
import { acceptDocuments } from '../accept.ts';
import type { Caller } from '../caller.ts';
import { createRoom } from '../room.ts';
import type { ServedLine } from '../served-lines.ts';
import type { ServiceParts } from '../service-parts.ts';
import { documentOf } from './document-body.ts';
import { bearer, idempotencyHeader, lineParameter, priorityQuery, textStream } from './parameters.ts';
import { refusals } from './refusals.ts';

/** Documents of one stream on their way into the queue at a time. */
const IN_FLIGHT = 16;
/** Open streams of one process; half of them for one key. */
const MOST_STREAMS = 100;
/** An empty line so often keeps the connection of a stream that waits. */
const KEEP_ALIVE_MS = 15_000;

export type Verdict =
  /** `unchanged`: stored as it is, by this revision. */
  | { line: number; id: string; verdict: 'accepted' | 'unchanged'; revision: string }
  /** `rejected`: the line is at fault. `failed`: it is not; send it again. */
  | { line: number; id?: string; verdict: 'rejected' | 'failed'; code: string; detail: string }
  /** The last line: everything was read. */
  | { verdict: 'end'; accepted: number; unchanged: number; rejected: number; failed: number };

export function streamRoutes(app: FastifyInstance, parts: ServiceParts): void {
  const room = createRoom(MOST_STREAMS);
  // The handler reads the body itself.
  app.addContentTypeParser(['application/x-ndjson', 'application/jsonl'], (_request, payload, done) =>
    done(null, payload),
  );
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/v1/lines/:line/documents::stream',
    config: { scope: 'ingest', streamed: true },
    schema: {
      operationId: 'streamDocuments',
      tags: ['documents'],
      summary: 'Hand in any number of documents',
      description:
        'NDJSON: a document a line. Answers a line each, in order: `{"line":1,"id":"a","verdict":"accepted","revision":"…"}`, `unchanged` where the document is stored as it is, or `rejected`/`failed` with `code` and `detail`; the last line is `{"verdict":"end",…}`. Waits where there is no room, with an empty line now and then. Read while you send.',
      security: bearer,
      params: z.object({ line: lineParameter }),
      querystring: priorityQuery,
      headers: idempotencyHeader,
      response: {
        200: {
          description: 'A verdict a line.',
          content: { 'application/x-ndjson': { schema: textStream } },
        },
        ...refusals({ body: true }),
      },
    },
    async handler(request, reply) {
      const line = await parts.lines.get(request.params.line);
      const visit = room.enter();
      reply.raw.once('close', visit.leave);
      visit.belongsTo(request.caller.keyId ?? '');
      const out = new PassThrough();
      const submission = request.headers['idempotency-key'];
      const options = { caller: request.caller, priority: request.query.priority ?? 'bulk', submission } as const;
      pump(request.body as Readable | undefined, out, { ...options, line, parts }).catch((error: unknown) => {
        request.log.info({ event: 'stream ended early', err: error }, 'a stream ended before its end');
        out.destroy(error as Error);
      });
      return reply.header('content-type', 'application/x-ndjson').header('cache-control', 'no-store').send(out);
    },
  });
}

interface Pumping {
  line: ServedLine;
  parts: ServiceParts;
  caller: Caller;
  priority: 'live' | 'bulk';
  submission: string | undefined;
}

async function pump(body: Readable | undefined, out: PassThrough, options: Pumping): Promise<void> {
  const keepingAlive = setInterval(() => out.writableNeedDrain || out.write('\n'), KEEP_ALIVE_MS);
  try {
    await pumpLines(body ?? Readable.from([]), out, options);
  } finally {
    clearInterval(keepingAlive);
  }
}

async function pumpLines(body: Readable, out: PassThrough, options: Pumping): Promise<void> {
  const { line, parts } = options;
  const counts = { accepted: 0, unchanged: 0, rejected: 0, failed: 0 };
  const gone = new AbortController();
  finished(out).catch(() => gone.abort());
  const signal = AbortSignal.any([gone.signal, parts.closing]);
  const pending: Promise<void>[] = [];
  let written = Promise.resolve();

  for await (const read of readLines(body, parts.config.SLUICE_MAX_LINE_BYTES)) {
    if ('bytes' in read && read.bytes.length === 0) continue;
    // Here and not in each of them: their revisions are drawn in the order of the lines.
    const wait = line.gate.wait({ priority: options.priority, tenant: options.caller.tenant }, signal);
    const refusal = await wait.then(() => undefined, asSluiceError);
    signal.throwIfAborted();
    const verdict = refusal === undefined ? verdictOn(read, options) : refusalOf(read, refusal);
    written = written.then(async () => {
      const decided = await verdict;
      if (decided.verdict !== 'end') counts[decided.verdict] += 1;
      await write(out, decided);
    });
    pending.push(written);
    if (pending.length >= IN_FLIGHT) await pending.shift();
  }
  await written;
  await write(out, { verdict: 'end', ...counts });
  out.end();
}

async function verdictOn(read: Line, { line, parts, caller, priority, submission }: Pumping): Promise<Verdict> {
  let document: SourceDocument | undefined;
  try {
    if ('tooLong' in read) {
      throw new SluiceError('line_too_long', {
        message: 'The line is longer than a line may be',
        expected: `at most ${parts.config.SLUICE_MAX_LINE_BYTES} bytes`,
      });
    }
    document = documentOf(parseRecord(new TextDecoder('utf-8', { fatal: true }).decode(read.bytes)), {
      caller,
      maxBytes: parts.config.SLUICE_MAX_DOCUMENT_BYTES,
    });
    const [accepted] = await acceptDocuments(line, [document], {
      caller,
      allowances: parts.allowances,
      meter: parts.meter,
      priority,
      idempotencyKey: submission === undefined ? undefined : `${submission}\n${read.number}`,
      admitted: true,
    });
    const { revision, unchanged } = accepted!;
    return { line: read.number, id: document.id, verdict: unchanged ? 'unchanged' : 'accepted', revision };
  } catch (error) {
    return refusalOf(read, asSluiceError(error), document?.id);
  }
}

function refusalOf(read: Line, { code, verdict, what, got }: SluiceError, id?: string): Verdict {
  return {
    line: read.number,
    ...(id !== undefined && { id }),
    verdict: verdict === 'dead' ? 'rejected' : 'failed',
    code,
    detail: got === undefined ? what : `${what}; got ${got}`,
  };
}

function asSluiceError(error: unknown): SluiceError {
  if (isSluiceError(error)) return error;
  // The decoder's.
  if (error instanceof TypeError)
    return new SluiceError('invalid_utf8', { message: 'The line is not UTF-8', cause: error });
  return new SluiceError('service_failed', { message: 'The service failed', cause: error });
}

async function write(out: PassThrough, verdict: Verdict): Promise<void> {
  if (out.destroyed || out.write(`${JSON.stringify(verdict)}\n`)) return;
  await new Promise<void>((resolve) => {
    out.once('drain', resolve);
    out.once('close', resolve);
  });
}
