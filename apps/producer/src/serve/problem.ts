/**
 * Every refusal of the service as RFC 9457 problem details: a stable code, what was expected and came, the fix, and for a
 * field of the body a JSON pointer to it. Nothing of a document's text, no stack, no cause.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, errorCodes, isSluiceError, SluiceError } from '@sluice/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

export const problemSchema = z
  .object({
    type: z.string().describe('urn:sluice:problem:CODE'),
    title: z.string().describe('What the code means.'),
    status: z.number().int(),
    detail: z.string().describe('What happened here.'),
    instance: z.string().describe('This request, as the log names it.'),
    code: z.string().describe('Stable; docs/errors.md lists them all.'),
    fix: z.string(),
    where: z.string().optional(),
    expected: z.string().optional(),
    got: z.string().optional(),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('RFC 6901 pointer into the body, or the name of a parameter.'),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

/** A refusal that points into the body. */
export class FieldError extends SluiceError {
  readonly errors: { pointer: string; detail: string }[];

  constructor(code: ErrorCode, errors: { pointer: string; detail: string }[]) {
    super(code, { message: errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ') });
    this.errors = errors;
  }
}

const statusByCode: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  unknown_path: 404,
  unknown_line: 404,
  unknown_document: 404,
  unknown_run: 404,
  method_not_allowed: 405,
  slow_request: 408,
  idempotency_conflict: 409,
  request_too_large: 413,
  document_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  service_failed: 500,
};

/** Refusals of Fastify itself, by its own codes. */
const byFastify: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

const RETRY_AFTER_MS = 5_000;
/** How long a body that is too large may go on coming before its connection is closed. */
const DRAIN_MS = 2_000;

/** The HTTP status of an error: its own, else by what it means for the work. */
function statusOf({ code, verdict }: SluiceError): number {
  const status = statusByCode[code];
  if (status !== undefined) return status;
  if (verdict === 'dead') return 422;
  return verdict === 'unknown' ? 500 : 503;
}

export async function sendProblem(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const known = toSluiceError(error);
  const status = statusOf(known);
  if (status === 500) {
    request.log.error({ event: 'request failed', err: error, path: request.routeOptions.url }, 'failed');
  }
  if (status === 503 || status === 429) {
    reply.header('retry-after', String(Math.max(1, Math.ceil((known.retryAfterMs ?? RETRY_AFTER_MS) / 1_000))));
  }
  if (status === 413) await drain(request.raw);
  // Past any serializer: a problem has the same form on every route.
  return reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problemOf(known, request.id));
}

/** A client that still sends would find the connection closed instead of the answer: its body is thrown away first. */
async function drain(body: IncomingMessage): Promise<void> {
  if (body.complete) return;
  body.resume();
  await once(body, 'end', { signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => undefined);
}

export function problemOf(error: SluiceError, requestId: string): Problem {
  const { code, what, where, expected, got, fix } = error;
  return {
    type: `urn:sluice:problem:${code}`,
    title: errorCodes[code].means,
    status: statusOf(error),
    detail: what,
    instance: `urn:sluice:request:${requestId}`,
    code,
    fix,
    ...(where !== undefined && { where }),
    ...(expected !== undefined && { expected }),
    ...(got !== undefined && { got }),
    ...(error instanceof FieldError && { errors: error.errors }),
  };
}

function toSluiceError(error: FastifyError | Error): SluiceError {
  if (isSluiceError(error)) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const inBody = error.validationContext === 'body';
    return new FieldError(
      'invalid_request',
      error.validation.map(({ instancePath, message = 'cannot be used' }) => ({
        pointer: inBody ? `#${instancePath}` : `${error.validationContext ?? 'request'}${instancePath}`,
        detail: message,
      })),
    );
  }
  const { code = '', statusCode = 500 } = error as FastifyError;
  const ours =
    byFastify[code] ?? (statusCode === 413 ? 'request_too_large' : statusCode < 500 ? 'bad_request' : undefined);
  if (ours !== undefined) return new SluiceError(ours, { message: errorCodes[ours].means, cause: error });
  return new SluiceError('service_failed', { message: 'The service failed', cause: error });
}
