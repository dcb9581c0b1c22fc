/** A service as a process of its own, and requests to it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sluice } from './sluice.ts';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every route.
  body: any;
}

export interface Serving {
  url: string;
  process: ChildProcess;
  /** What it logged so far, a line each. */
  log: readonly string[];
  /** `path` is below /v1/lines/<line>. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Looks at a document until it has this state. */
  untilState(id: string, state: string, headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

/** Resolves when it listens. */
export async function serve(sluice: Sluice, args: string[] = [], { token }: { token?: string } = {}): Promise<Serving> {
  const child = sluice.start(['serve', '--port', '0', '--json', ...args]);
  const log: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => log.push(line));
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout! }).once('line', (line) => done((JSON.parse(line) as { url: string }).url));
    child.once('exit', (code) => fail(new Error(`the service ended with ${code}:\n${log.join('\n')}`)));
  });
  const base = `${url}/v1/lines/${sluice.line}`;
  const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { ...bearer, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: text }),
    });
    const answer = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && !answer.includes('}\n') ? JSON.parse(answer) : answer,
    };
  }

  return {
    url,
    process: child,
    log,
    call,
    async untilState(id, state, headers) {
      for (;;) {
        const answer = await call('GET', `/documents/${encodeURIComponent(id)}`, undefined, headers);
        if (answer.body.state === state) return answer;
        await delay(50);
      }
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
