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
import { pay } from '../pay.ts';
import { createRoom } from '../room.ts';
import type { ServedLine } from '../served-lines.ts';
import type { ServiceParts } from '../service-parts.ts';
import { whileAllowed } from '../while-allowed.ts';
import { documentOf } from './document-body.ts';
import { bearer, idempotencyHeader, lineParameter, priorityQuery, textStream } from './parameters.ts';
import { refusals } from './refusals.ts';
import { createStreamMemory, type StreamMemory } from './stream-memory.ts';

/** Documents of one stream on their way into the queue at a time, and their bytes unless it is one. */
const IN_FLIGHT = 16;
const BYTES_IN_FLIGHT = 16_777_216;
/** Open streams of one process; half of them for one key. */
const MOST_STREAMS = 100;
/** What all of them have read and not answered; never less than four of the longest lines. */
const MOST_BYTES = 268_435_456;
const LONGEST_LINES = 4;
/** An empty line so often keeps the connection of a stream that waits. */
const KEEP_ALIVE_MS = 15_000;

export type Verdict =
  /** `unchanged`: stored as it is, by this revision. */
  | { line: number; id: string; verdict: 'accepted' | 'unchanged'; revision: string }
  /** `rejected`: the line is at fault. `failed`: it is not; send it again. */
  | {
      line: number;
      id?: string;
      verdict: 'rejected' | 'failed';
      code: string;
      detail: string;
      /** Whole seconds; where it is known when there will be room. */
      retryAfter?: number;
    }
  /** The last line: everything was read. */
  | { verdict: 'end'; accepted: number; unchanged: number; rejected: number; failed: number };

export function streamRoutes(app: FastifyInstance, parts: ServiceParts): void {
  const maxLineBytes = parts.config.SLUICE_MAX_LINE_BYTES;
  const room = createRoom(MOST_STREAMS, { mostBytes: Math.max(MOST_BYTES, LONGEST_LINES * maxLineBytes) });
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
        'NDJSON: a document a line. Answers a line each, in order: `{"line":1,"id":"a","verdict":"accepted","revision":"…"}`, `unchanged` where the document is stored as it is, or `rejected`/`failed` with `code` and `detail`; the last line is `{"verdict":"end",…}`. Waits where there is no room and where the key has used up its allowance, with an empty line now and then; where that would take longer than five minutes the line is `failed` with `retryAfter` in seconds. An answer without its `end` ended early: what has no verdict was not accepted. Read while you send.',
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
      const allowed = whileAllowed(request.caller, parts);
      reply.raw.once('close', () => {
        visit.leave();
        allowed.end();
      });
      visit.belongsTo(request.caller.keyId ?? '');
      const out = new PassThrough();
      const submission = request.headers['idempotency-key'];
      const priority = request.query.priority ?? 'bulk';
      const memory = createStreamMemory(visit, { maxLineBytes });
      const options = { caller: request.caller, allowed: allowed.signal, memory, priority, submission, line, parts };
      pump(request.body as Readable | undefined, out, options).catch((error: unknown) => {
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
  /** Aborted when the key is revoked or the service closes. */
  allowed: AbortSignal;
  memory: StreamMemory;
  priority: 'live' | 'bulk';
  submission: string | undefined;
}

async function pump(body: Readable | undefined, out: PassThrough, options: Pumping): Promise<void> {
  const { allowed } = options;
  const keepingAlive = setInterval(() => out.writableNeedDrain || out.write('\n'), KEEP_ALIVE_MS);
  // At once, and not with the next line: a client that is silent would hold it open.
  const end = () => out.destroy(allowed.reason as Error);
  allowed.addEventListener('abort', end, { once: true });
  try {
    await pumpLines(body ?? Readable.from([]), out, options);
  } finally {
    clearInterval(keepingAlive);
    allowed.removeEventListener('abort', end);
  }
}

async function pumpLines(body: Readable, out: PassThrough, options: Pumping): Promise<void> {
  const { parts, memory } = options;
  const counts = { accepted: 0, unchanged: 0, rejected: 0, failed: 0 };
  const gone = new AbortController();
  finished(out).catch(() => gone.abort());
  const signal = AbortSignal.any([gone.signal, options.allowed]);
  const pending: { bytes: number; written: Promise<void> }[] = [];
  let bytesInFlight = 0;
  let written = Promise.resolve();

  async function answer(bytes: number, verdict: Verdict | Promise<Verdict>): Promise<void> {
    const answered = memory.line();
    written = written.then(async () => {
      const decided = await verdict;
      if (decided.verdict !== 'end') counts[decided.verdict] += 1;
      await write(out, decided);
      answered();
    });
    pending.push({ bytes, written });
    bytesInFlight += bytes;
    while (pending.length >= IN_FLIGHT || (bytesInFlight > BYTES_IN_FLIGHT && pending.length > 0)) {
      const first = pending.shift()!;
      await first.written;
      bytesInFlight -= first.bytes;
    }
  }

  let number = 1;
  try {
    for await (const read of readLines(paid(body, options, signal), parts.config.SLUICE_MAX_LINE_BYTES)) {
      number = read.number + 1;
      if ('bytes' in read && read.bytes.length === 0) {
        written = written.then(memory.line());
        continue;
      }
      const taken = await take(read, options, signal);
      signal.throwIfAborted();
      // Begun in the order of the lines and with nothing in between, so their revisions are drawn in that order.
      await answer(
        'bytes' in read ? read.bytes.length : 0,
        'verdict' in taken ? taken : verdictOn(read, taken, options),
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isSluiceError(error) || (error.code !== 'rate_limited' && error.code !== 'service_busy')) throw error;
    // The allowance of bytes, or no room for them: what comes is not read any more, and there is no `end`.
    await answer(0, refusalOf({ number }, error));
    await written;
    out.end();
    return;
  }
  await written;
  await write(out, { verdict: 'end', ...counts });
  out.end();
}

/** The body, as fast as the key's allowance of bytes and the room for them let it come. */
async function* paid(body: Readable, { caller, parts, memory }: Pumping, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    await pay({ bytes: (chunk as Buffer).length }, { caller, allowances: parts.allowances, signal });
    await memory.read((chunk as Buffer).length, signal);
    yield chunk as Buffer;
  }
}

/** The document of a line once there is room for it and its tokens are paid; or why there is none. */
async function take(
  read: Line,
  { line, parts, caller, priority }: Pumping,
  signal: AbortSignal,
): Promise<SourceDocument | Verdict> {
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
    await line.gate.wait({ priority, tenant: document.tenant ?? '' }, signal);
    if (caller.limits.tokens !== undefined) {
      const tokens = await parts.meter.count([document.text]);
      await pay({ tokens }, { caller, allowances: parts.allowances, signal });
    }
    return document;
  } catch (error) {
    return refusalOf(read, asSluiceError(error), document?.id);
  }
}

async function verdictOn(
  read: Line,
  document: SourceDocument,
  { line, parts, caller, priority, submission }: Pumping,
): Promise<Verdict> {
  try {
    const [accepted] = await acceptDocuments(line, [document], {
      caller,
      allowances: parts.allowances,
      meter: parts.meter,
      priority,
      idempotencyKey: submission === undefined ? undefined : `${submission}\n${read.number}`,
      admitted: true,
      onStep: parts.onStep,
    });
    const { revision, unchanged } = accepted!;
    return { line: read.number, id: document.id, verdict: unchanged ? 'unchanged' : 'accepted', revision };
  } catch (error) {
    return refusalOf(read, asSluiceError(error), document.id);
  }
}

function refusalOf(
  { number }: Pick<Line, 'number'>,
  { code, verdict, what, got, retryAfterMs }: SluiceError,
  id?: string,
): Verdict {
  return {
    line: number,
    ...(id !== undefined && { id }),
    verdict: verdict === 'dead' ? 'rejected' : 'failed',
    code,
    detail: got === undefined ? what : `${what}; got ${got}`,
    ...(retryAfterMs !== undefined && { retryAfter: Math.ceil(retryAfterMs / 1_000) }),
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
