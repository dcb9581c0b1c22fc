/** An HTTP answer as data, and how it is sent. */
import type { ServerResponse } from 'node:http';

export interface HttpReply {
  status: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body: unknown;
}

export function send(response: ServerResponse, { status, headers = {}, body }: HttpReply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
