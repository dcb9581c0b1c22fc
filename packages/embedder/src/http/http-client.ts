/**
 * One engine's connections: a keep-alive pool, a deadline for the whole exchange, a bound on what a reply may weigh.
 * A failure of the network leaves as a SluiceError; any HTTP answer, whatever its status, is a reply.
 * It hears undici's own events: a stream for each reply of 180 kB doubled what an exchange cost (`npm run bench -- client`).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { SluiceError } from '@sluice/core';
import { type Dispatcher, Pool } from 'undici';

export interface HttpReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface HttpExchange {
  method: 'GET' | 'POST';
  /** Path after the base address. */
  path: string;
  /** JSON text. */
  body?: Buffer;
  /** For the whole exchange, connecting and reading included. */
  deadlineMs: number;
  maxReplyBytes: number;
  signal?: AbortSignal | undefined;
}

export interface HttpClient {
  /** The base address without query: what messages show. */
  readonly where: string;
  /**
   * Throws `engine_unreachable` (refused, reset, no such host), `engine_timeout` (deadline), `engine_bad_reply` (not HTTP, or
   * larger than allowed), or the signal's reason when the caller aborted.
   */
  exchange(exchange: HttpExchange): Promise<HttpReply>;
  close(): Promise<void>;
}

/** Node's timers end at 2^31 − 1 ms; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

export function createHttpClient({
  url,
  apiKey,
  dispatcher,
}: {
  url: string;
  apiKey?: string | undefined;
  /** Instead of a pool of our own: for proxies and tests. Closed by whoever made it. */
  dispatcher?: Dispatcher | undefined;
}): HttpClient {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/+$/, '');
  // Our deadline covers the whole exchange, so undici's own timeouts are off. Its idle time of 4 s is below the 5 s after
  // which uvicorn, and so most engines, hang up: a request rarely meets a connection that is just being closed.
  const pool =
    dispatcher ??
    new Pool(base.origin, {
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
      connections: 64,
      allowH2: false,
    });
  const sent = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
  const where = base.origin + prefix;

  function exchange({ method, path, body, deadlineMs, maxReplyBytes, signal }: HttpExchange): Promise<HttpReply> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let headers: IncomingHttpHeaders = {};
    let bytes = 0;
    const pieces: Buffer[] = [];
    /** Why the exchange was ended from here. The connection goes with it: a reply that nobody reads would be taken for the next one. */
    let ended: unknown;
    function end(reason: unknown): void {
      ended ??= reason;
      reject(reason);
      controller?.abort(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
    }
    const giveUp = () => end(signal!.reason);
    const deadline = setTimeout(
      () =>
        end(
          new SluiceError('engine_timeout', {
            message: 'The engine did not answer in time',
            where: where + path,
            expected: `an answer within ${Math.round(deadlineMs)} ms`,
          }),
        ),
      Math.min(deadlineMs, MAX_TIMER_MS),
    );
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    else
      pool.dispatch(
        { origin: base.origin, method, path: prefix + path, headers: sent, body: body ?? null },
        {
          onRequestStart(started) {
            controller = started;
            // It waited for a connection for longer than anybody waits for it.
            if (ended !== undefined) end(ended);
          },
          onResponseStart(_, statusCode, received) {
            status = statusCode;
            headers = received;
          },
          onResponseData(_, piece) {
            bytes += piece.length;
            if (bytes <= maxReplyBytes) pieces.push(piece);
            else end(tooLong(where + path, maxReplyBytes));
          },
          onResponseEnd: () =>
            resolve({ status, headers, body: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, bytes) }),
          onResponseError: (_, error) => reject(networkFailure(error, where)),
        },
      );
    return promise.finally(() => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', giveUp);
    });
  }

  return { where, exchange, close: async () => (dispatcher === undefined ? pool.destroy() : undefined) };
}

function tooLong(where: string, maxReplyBytes: number): SluiceError {
  return new SluiceError('engine_bad_reply', {
    message: "The engine's reply is larger than any right reply to this request",
    where,
    expected: `at most ${maxReplyBytes} bytes`,
    got: 'more',
  });
}

/** By the code of the error, never by its text. */
function networkFailure(error: unknown, where: string): unknown {
  const code = errorCode(error);
  if (code === undefined) return error;
  if (code.startsWith('HPE_') || code === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new SluiceError('engine_bad_reply', {
      message: 'What answers there does not speak HTTP',
      where,
      got: code,
      cause: error,
    });
  }
  if (/CERT|SIGNATURE|^ERR_TLS|^ERR_SSL/.test(code)) {
    return new SluiceError('engine_unreachable', {
      message: 'No trusted TLS connection to the engine can be made',
      where,
      got: code,
      fix: 'Mend the certificate, name its authority in NODE_EXTRA_CA_CERTS, or check http against https in SLUICE_ENGINE_URL.',
      verdict: 'stop',
      cause: error,
    });
  }
  return new SluiceError('engine_unreachable', {
    message: 'The engine cannot be reached',
    where,
    got: code,
    cause: error,
  });
}

/** Happy Eyeballs wraps one error for each address in an AggregateError without a code. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  if (error.name === 'HTTPParserError') return error.name;
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return error.cause === undefined ? undefined : errorCode(error.cause);
}
