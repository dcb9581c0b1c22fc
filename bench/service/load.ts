/**
 * The clients of `bench/service`, in a process of their own: so many open connections, and arrivals by the clock, whether or not earlier
 * ones were answered (open loop). A time is measured from when a request was due, so a service that falls behind shows it.
 */
import { Agent, request } from 'node:http';

export interface Load {
  url: string;
  line: string;
  connections: number;
  /** Documents a second. */
  rate: number;
  seconds: number;
  /** Ids are `d0` … `d<ids - 1>`: documents come again as new revisions. */
  ids: number;
  /** Makes texts of this load differ from those of others. */
  round: number;
  textBytes: number;
}

export interface LoadResult {
  sent: number;
  /** By status; 0: no answer. */
  statuses: Record<string, number>;
  /** Of those with 503: with a `Retry-After` of at least a second. */
  withRetryAfter: number;
  /** Of those that were accepted, ascending. */
  acceptMs: number[];
  /** Every revision that was accepted of each document. */
  revisions: Record<string, string[]>;
  accepted: number;
  /** Connections open when the first request was due, and when the last one was answered. */
  open: { before: number; after: number };
  seconds: number;
}

let agent: Agent | undefined;

process.on('message', (load: Load) => {
  void run(load).then((result) => process.send!(result));
});

async function run(load: Load): Promise<LoadResult> {
  agent ??= new Agent({
    keepAlive: true,
    maxSockets: load.connections,
    maxFreeSockets: load.connections,
    scheduling: 'fifo',
  });
  await openConnections(agent, load);
  const total = load.rate * load.seconds;
  const result: LoadResult = {
    sent: 0,
    statuses: {},
    withRetryAfter: 0,
    acceptMs: [],
    revisions: {},
    accepted: 0,
    open: { before: openIn(agent), after: 0 },
    seconds: 0,
  };
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    let answered = 0;
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) * load.rate) / 1_000));
      for (; result.sent < due; result.sent += 1) {
        const dueAt = startedAt + (result.sent * 1_000) / load.rate;
        void submit(load, result.sent, dueAt, result).finally(() => {
          answered += 1;
          if (answered === total) resolve();
        });
      }
      if (result.sent === total) clearInterval(timer);
    }, 1);
  });
  result.seconds = (performance.now() - startedAt) / 1_000;
  result.open.after = openIn(agent);
  result.acceptMs.sort((a, b) => a - b);
  return result;
}

/**
 * Every connection is open before the first document; they are used in turn. A service closes those on which nothing came for a
 * minute, which is how long the line may take to drain between two rates.
 */
async function openConnections(agent: Agent, { url, line, connections }: Load): Promise<void> {
  for (let tries = 0; openIn(agent) < connections && tries < 10; tries += 1) {
    await Promise.all(
      Array.from({ length: connections }, () => call(agent, 'GET', `${url}/v1/lines/${line}/documents/none`)),
    );
  }
}

function openIn({ sockets, freeSockets }: Agent): number {
  return [sockets, freeSockets].flatMap((byHost) => Object.values(byHost).flat()).filter((socket) => !socket?.destroyed)
    .length;
}

async function submit(load: Load, number: number, dueAt: number, result: LoadResult): Promise<void> {
  const id = `d${(number * 7_919) % load.ids}`;
  const body = JSON.stringify({ id, text: textOf(load, number) });
  const { status, text, retryAfter } = await call(agent!, 'POST', `${load.url}/v1/lines/${load.line}/documents`, body);
  result.statuses[status] = (result.statuses[status] ?? 0) + 1;
  if (status === 503 && retryAfter >= 1) result.withRetryAfter += 1;
  if (status !== 202) return;
  result.accepted += 1;
  result.acceptMs.push(performance.now() - dueAt);
  const { revision } = (JSON.parse(text) as { documents: { revision: string }[] }).documents[0]!;
  result.revisions[id] ??= [];
  result.revisions[id].push(revision);
}

const WORDS = 'the quick brown fox jumps over a lazy dog while rain falls on old stone roofs of quiet towns'.split(' ');

function textOf({ round, textBytes }: Load, number: number): string {
  const words = [`Document ${number} of round ${round}.`];
  for (let length = 0, at = number; length < textBytes; at += 7) {
    const word = WORDS[at % WORDS.length]!;
    words.push(word);
    length += word.length + 1;
  }
  return words.join(' ');
}

function call(
  through: Agent,
  method: string,
  url: string,
  body?: string,
): Promise<{ status: number; text: string; retryAfter: number }> {
  return new Promise((resolve) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method, agent: through, headers }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (part: string) => {
          text += part;
        })
        .on('end', () =>
          resolve({ status: response.statusCode!, text, retryAfter: Number(response.headers['retry-after'] ?? 0) }),
        );
    });
    sent.on('error', () => resolve({ status: 0, text: '', retryAfter: 0 }));
    sent.end(body);
  });
}
