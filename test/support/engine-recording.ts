/**
 * What a real engine answered, kept so that preflight can judge it again without the engine. Requests are kept as hashes of path
 * and body: whoever asks something else than was asked then gets 501, and the recording must be made anew
 * (`npm run test:engines -- NAME --record`).
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

interface Answer {
  status: number;
  type: string | null;
  body: string;
}

export interface Recording {
  engine: string;
  /** The day, ISO 8601. */
  recorded: string;
  answers: Record<string, Answer>;
}

export interface Door extends AsyncDisposable {
  url: string;
}

export function recordingPath(engine: string): string {
  const name = engine.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return fileURLToPath(new URL(`../fixtures/engine-replies/live/${name}.json`, import.meta.url));
}

/** Undefined where there is none. */
export async function readRecording(engine: string): Promise<Recording | undefined> {
  try {
    return JSON.parse(await readFile(recordingPath(engine), 'utf8')) as Recording;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A door before an engine that keeps what comes back; `save` writes the recording. */
export async function recordEngine(engine: string, target: string): Promise<Door & { save(): Promise<void> }> {
  const answers: Recording['answers'] = {};
  const door = await open(async (request, body) => {
    const response = await fetch(target + request.url, {
      method: request.method!,
      headers: { 'content-type': 'application/json' },
      ...(request.method === 'POST' && { body }),
    });
    // Engines name the folder that they serve; where it lay is of no interest.
    const text = (await response.text()).replaceAll(/\/[^"\s]*\/(?=served\/)/g, '');
    const answer = { status: response.status, type: response.headers.get('content-type'), body: text };
    answers[keyOf(request, body)] = answer;
    return answer;
  });
  return {
    ...door,
    async save() {
      const recorded = new Date().toISOString().slice(0, 10);
      await writeFile(recordingPath(engine), `${JSON.stringify({ engine, recorded, answers }, null, 1)}\n`);
    },
  };
}

/** The engine of the recording, as far as it was asked. */
export function replayEngine({ engine, answers }: Recording): Promise<Door> {
  const unknown = { status: 501, type: 'text/plain', body: `${engine} was not asked this when it was recorded` };
  return open(async (request, body) => answers[keyOf(request, body)] ?? unknown);
}

function keyOf({ method, url }: IncomingMessage, body: string): string {
  return createHash('sha256').update(`${method} ${url}\n${body}`).digest('base64url');
}

async function open(answer: (request: IncomingMessage, body: string) => Promise<Answer>): Promise<Door> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    try {
      const { status, type, body: text } = await answer(request, body);
      response.writeHead(status, type === null ? {} : { 'content-type': type }).end(text);
    } catch {
      response.destroy(); // the engine is gone, and so is its door
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
