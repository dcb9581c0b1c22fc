/**
 * What an HTTP answer that is not 200 means, by status and by the code in its body; never by its text, and no text of the
 * body leaves here: Infinity, for one, echoes the whole input in its 422.
 */
import { type ErrorCode, SluiceError, type SluiceErrorDetails } from '@sluice/core';
import type { HttpReply } from './http-client.ts';

/** Codes with which engines report that the device ran out of memory, whatever the status. */
const OUT_OF_MEMORY = new Set([
  'payload_too_large', // jina-on-prem
  'engine_out_of_memory', // sluice engine
  'out_of_memory',
  'outofmemoryerror',
  'cuda_out_of_memory',
  'oom',
]);
/** No engine is asked to wait longer than this for; a clock that is wrong must not stop a line for years. */
const MAX_RETRY_AFTER_MS = 600_000;

export function refusal(reply: HttpReply, { where, nowMs }: { where: string; nowMs: number }): SluiceError {
  const { status } = reply;
  const codes = bodyCodes(reply);
  const got = codes.length === 0 ? `HTTP ${status}` : `HTTP ${status} ${codes.join(' ')}`;
  const retryAfterMs = retryAfter(reply.headers['retry-after'], nowMs);
  const make = (code: ErrorCode, message: string, more: Partial<SluiceErrorDetails> = {}) =>
    new SluiceError(code, { message, where, got, ...more });

  if (codes.some((code) => OUT_OF_MEMORY.has(code.toLowerCase()))) {
    return make('engine_out_of_memory', 'The engine ran out of memory on this request');
  }
  switch (status) {
    case 400:
    case 422:
      return make('engine_rejected', 'The engine rejects the request');
    case 401:
    case 403:
      return make('engine_refused_key', 'The engine refuses the API key');
    case 402:
      return make('engine_refused_key', 'The account of the API key has no balance left', {
        fix: 'Add balance to the account, or set SLUICE_ENGINE_API_KEY to another key.',
      });
    case 408:
    case 504:
      return make('engine_timeout', 'The engine, or the proxy before it, gave up waiting', { retryAfterMs });
    case 413:
    case 424:
      return make('engine_too_large', 'The request is larger than the engine takes');
    case 429:
    case 503:
    case 529:
      return make('engine_busy', 'The engine is overloaded or still loading', { retryAfterMs });
    case 502:
    case 520:
    case 521:
    case 522:
    case 523:
    case 524:
      return make('engine_unreachable', 'The proxy before the engine cannot reach it', { retryAfterMs });
    case 404:
    case 405:
    case 410:
    case 415:
      return make('engine_bad_reply', 'The engine does not know this path or model', {
        verdict: 'stop',
        fix: 'Check SLUICE_ENGINE_URL (without the path of the protocol), SLUICE_ENGINE and SLUICE_SERVED_MODEL.',
      });
  }
  if (status < 400) {
    return make('engine_bad_reply', 'The answer is not an embedding reply', {
      expected: 'HTTP 200',
      verdict: status >= 300 ? 'stop' : 'unknown',
      fix: 'Set SLUICE_ENGINE_URL to the address that answers itself: redirects are not followed.',
    });
  }
  return make('engine_failed', 'The engine failed');
}

/** Seconds or an HTTP date, as milliseconds from now; undefined when absent or neither. */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS) : undefined;
}

/**
 * The machine-readable words of an error body, in the shapes that engines use: `{detail:{code}}` (jina), `{error:{type,code}}`
 * (OpenAI), `{type,code}` and `{error_type}` (TEI). Only short plain words, so that no input can hide in them.
 */
function bodyCodes(reply: HttpReply): string[] {
  let body: unknown;
  try {
    body = JSON.parse(reply.body.toString('utf8'));
  } catch {
    return []; // plain text, HTML or nothing: the status says enough
  }
  const places = [body, field(body, 'detail'), field(body, 'error')];
  const words = places.flatMap((place) => ['code', 'type', 'error_type'].map((name) => field(place, name)));
  return words.filter((word): word is string => typeof word === 'string' && /^[A-Za-z][A-Za-z0-9_]{1,40}$/.test(word));
}

function field(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[name] : undefined;
}
