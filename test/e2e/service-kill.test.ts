/**
 * A service that dies between receiving and answering, at every step of accepting, while clients send single documents, batches
 * and streams, and send again with their idempotency keys until they are answered: nothing is lost, nothing is doubled. Every
 * death is the service's own, at the step that was asked for. KILLS=200 is the long form.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '@sluice/cli/node-flags';
import { contentHash, documentKey } from '@sluice/core';
import { expect, test } from 'vitest';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

const KILLS = Number(process.env.KILLS ?? 9);
const mortalService = fileURLToPath(new URL('./mortal-service.ts', import.meta.url));
const STEPS = ['received', 'revision drawn', 'enqueued'];
const CLIENTS = 4;
const sluice = createSluice('test-service-kill', {
  SLUICE_ENGINE: 'null',
  SLUICE_FULL_DIMENSION: '32',
  SLUICE_DIMENSION: '32',
  SLUICE_SERVE_PORT: '0',
});

interface Submission {
  key: string;
  as: 'one' | 'batch' | 'stream';
  documents: { id: string; text: string }[];
}

test(`${KILLS} kills between receiving and answering: nothing lost, nothing doubled`, {
  timeout: 300_000 + KILLS * 60_000,
}, async () => {
  /** By idempotency key: the revisions of every answer. */
  const answered = new Map<string, string[][]>();
  const sent = new Map<string, Submission>();
  let unanswered: Submission[] = [];
  let made = 0;
  const document = (id: string) => ({ id, text: `Text ${made} of ${id}.` });
  /** Every third one edits a document that was sent before; of four, one is a batch and one a stream. */
  const next = (): Submission => {
    made += 1;
    const documents = [document(made % 3 === 0 ? `edited-${made % 5}` : `once-${made}`)];
    const as = made % 4 === 0 ? 'batch' : made % 4 === 2 ? 'stream' : 'one';
    if (as !== 'one') documents.push(document(`beside-${made}`), document(`beside-${made % 6}-again`));
    const submission = { key: `key-${made}`, as, documents } as const;
    sent.set(submission.key, submission);
    return submission;
  };

  /** The revisions that were answered; undefined: the service died before its answer was whole. */
  async function submit(url: string, { key, as, documents }: Submission): Promise<string[] | undefined> {
    const streamed = as === 'stream';
    const lines = documents.map((one) => `${JSON.stringify(one)}\n`).join('');
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${url}/v1/lines/${sluice.line}/documents${streamed ? ':stream' : ''}`, {
        method: 'POST',
        headers: {
          'content-type': streamed ? 'application/x-ndjson' : 'application/json',
          'idempotency-key': key,
        },
        body: streamed ? lines : JSON.stringify(as === 'batch' ? { documents } : documents[0]),
      });
      [status, text] = [response.status, await response.text()];
    } catch {
      return undefined;
    }
    if (!streamed) {
      expect(status, text).toBe(202);
      return (JSON.parse(text) as { documents: { revision: string }[] }).documents.map(({ revision }) => revision);
    }
    expect(status, text).toBe(200);
    const verdicts = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    expect(verdicts.pop()).toMatchObject({ verdict: 'end', rejected: 0, failed: 0 });
    return verdicts.map(({ revision }) => revision as string);
  }

  /** Sends what was not answered first, then new ones, until the service dies or `count` are sent. */
  async function sendTo(url: string, count: number): Promise<void> {
    const work = [...unanswered, ...Array.from({ length: count }, next)];
    unanswered = [];
    const client = async () => {
      for (let one = work.shift(); one !== undefined; one = work.shift()) {
        const revisions = await submit(url, one);
        if (revisions === undefined) unanswered.push(one);
        else answered.set(one.key, [...(answered.get(one.key) ?? []), revisions]);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  /** A service that dies by itself at the `nth` such step; without one, it is killed when everything is answered. */
  async function live(count: number, death?: { step: string; nth: number }): Promise<void> {
    const { step = 'never', nth = 1 } = death ?? {};
    const child = spawn(process.execPath, [...nodeFlags, mortalService, step, String(nth)], {
      env: { PATH: process.env.PATH, ...sluice.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'close');
    const said: string[] = [];
    const output = createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
    await Promise.race([
      once(output, 'line'),
      exited.then(([code]) => Promise.reject(new Error(`the service ended with ${code}`))),
    ]);
    await sendTo(said[0]!, count);
    if (death === undefined) child.kill('SIGKILL');
    const [, signal] = await exited;
    expect([said.slice(1), signal]).toEqual([death === undefined ? [] : [step], 'SIGKILL']);
    if (death !== undefined) expect(unanswered.length).toBeGreaterThan(0);
  }

  const worker = await sluice.worker();
  const chunker = sluice.start(['chunk-worker']);
  chunker.stdout!.resume();
  chunker.stderr!.resume();
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const nth = 1 + (kill % 7);
      // Each takes the step once at least, so it is taken `nth` times.
      const count = Math.max(3, nth - unanswered.length);
      await live(count, { step: STEPS[kill % STEPS.length]!, nth });
    }
    await live(0);
    expect(unanswered).toEqual([]);
    // An answer that a client gives up waiting for comes again: the same revision.
    unanswered = [...sent.values()].slice(0, 10);
    await live(0);

    expect(answered.size).toBe(sent.size);
    for (const answers of answered.values()) expect(new Set(answers.map((one) => one.join())).size).toBe(1);
    const newest = new Map<string, { revision: string; text: string }>();
    for (const [key, [revisions]] of answered) {
      for (const [index, { id, text }] of sent.get(key)!.documents.entries()) {
        const revision = revisions![index]!;
        if (BigInt(revision) > BigInt(newest.get(id)?.revision ?? 0)) newest.set(id, { revision, text });
      }
    }
    const line = await readLine(sluice.line);
    try {
      for (const [id, { revision, text }] of newest) {
        const key = documentKey({ line: sluice.line, id });
        for (;;) {
          const [state] = await line.ledger.read([key]);
          if (state?.state === 'stored' && state.currentRevision === revision) {
            expect(state.hash).toBe(contentHash({ text, format: 'text', metadata: {} }));
            break;
          }
          expect(BigInt(state?.currentRevision ?? 0)).toBeLessThanOrEqual(BigInt(revision));
          await delay(50);
        }
      }
      while ((await line.ledger.counts()).settling > 0) await delay(50);
      expect((await line.ledger.counts()).stored).toBe(newest.size);
    } finally {
      await line.close();
    }
    const verified = await sluice.run(['verify', '--json']);
    expect(verified.code, verified.stdout).toBe(0);
  } finally {
    for (const child of [worker, chunker]) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
  }
});
