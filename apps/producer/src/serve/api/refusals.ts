/** The refusals of a route, for its schema: every status that it may answer with is documented. */
import { problemSchema } from '../problem.ts';

const meanings = {
  400: 'The request cannot be read.',
  401: 'No key, or one that is unknown or revoked.',
  403: 'The key may not do this: its scopes, lines or tenant.',
  404: 'There is no such line, document or run.',
  405: 'The address does not take this method; `Allow` says which it takes.',
  408: 'The request did not arrive in time.',
  409: 'The idempotency key came before with other content.',
  413: 'The request or a document is too large.',
  415: 'The content type is not one that is read.',
  422: 'A field has a value that it may not have; `errors` points to it.',
  429: "The key's allowance is used up; `Retry-After` says for how long.",
  500: 'The service failed in an unknown way.',
  503: 'There is no room, or a server behind the service is away; `Retry-After` says when to ask again.',
} as const;

type Status = keyof typeof meanings;

/** What any route may answer. */
const always: readonly Status[] = [400, 401, 403, 404, 405, 408, 422, 429, 500, 503];
const withBody: readonly Status[] = [413, 415];

export function refusals({ body = false, conflict = false }: { body?: boolean; conflict?: boolean } = {}) {
  const statuses = [...always, ...(body ? withBody : []), ...(conflict ? ([409] as const) : [])];
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: meanings[status], content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  );
}
