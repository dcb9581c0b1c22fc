/**
 * A service that dies between receiving and answering, at every step of accepting, while clients send again with their
 * idempotency keys until they are answered: nothing is lost, nothing is doubled. KILLS=200 is the long form.
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
  id: string;
  text: string;
  key: string;
}

test(`${KILLS} kills between receiving and answering: nothing lost, nothing doubled`, {
  timeout: 300_000 + KILLS * 60_000,
}, async () => {
  const answered = new Map<string, string[]>();
  const sent = new Map<string, Submission>();
  let unanswered: Submission[] = [];
  let made = 0;
  /** Every third one edits a document that was sent before. */
  const next = (): Submission => {
    made += 1;
    const id = made % 3 === 0 ? `edited-${made % 5}` : `once-${made}`;
    const submission = { id, text: `Text ${made} of ${id}.`, key: `key-${made}` };
    sent.set(submission.key, submission);
    return submission;
  };

  /** False: the service died before it answered. */
  async function submit(url: string, { id, text, key }: Submission): Promise<boolean> {
    try {
      const response = await fetch(`${url}/v1/lines/${sluice.line}/documents`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ id, text }),
      });
      const body = (await response.json()) as { documents: { revision: string }[] };
      if (response.status !== 202) throw new RangeError(`${response.status}: ${JSON.stringify(body)}`);
      answered.set(key, [...(answered.get(key) ?? []), body.documents[0]!.revision]);
      return true;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return false;
    }
  }

  /** Sends what was not answered first, then new ones, until the service dies or `count` are sent. */
  async function sendTo(url: string, count: number): Promise<void> {
    const work = [...unanswered, ...Array.from({ length: count }, next)];
    unanswered = [];
    const client = async () => {
      for (let one = work.shift(); one !== undefined; one = work.shift()) {
        if (!(await submit(url, one))) unanswered.push(one);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  async function live(step: string, nth: number, count: number): Promise<void> {
    const child = spawn(process.execPath, [...nodeFlags, mortalService, step, String(nth)], {
      env: { PATH: process.env.PATH, ...sluice.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [url] = (await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      exited.then(([code]) => Promise.reject(new Error(`the service ended with ${code}`))),
    ])) as [string];
    await sendTo(url, count);
    child.kill('SIGKILL');
    const [, signal] = await exited;
    expect(signal).toBe('SIGKILL');
  }

  const worker = await sluice.worker();
  const chunker = sluice.start(['chunk-worker']);
  chunker.stdout!.resume();
  chunker.stderr!.resume();
  try {
    for (let kill = 0; kill < KILLS; kill += 1) await live(STEPS[kill % STEPS.length]!, 1 + (kill % 7), 6);
    while (unanswered.length > 0) await live('never', 1, 0);
    // An answer that a client gives up waiting for comes again: the same revision.
    unanswered = [...sent.values()].slice(0, 10);
    await live('never', 1, 0);

    expect(answered.size).toBe(sent.size);
    for (const revisions of answered.values()) expect(new Set(revisions).size).toBe(1);
    const newest = new Map<string, { revision: string; text: string }>();
    for (const [key, [revision]] of answered) {
      const { id, text } = sent.get(key)!;
      if (BigInt(revision!) > BigInt(newest.get(id)?.revision ?? 0)) newest.set(id, { revision: revision!, text });
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
