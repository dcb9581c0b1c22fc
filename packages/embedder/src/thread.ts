/**
 * Calls into a worker thread: nothing that computes runs on the event loop.
 *
 * States of the thread: *absent* (never called, or it died) → *starting* → *ready* → *closed*. A call on an absent thread
 * starts one, so a crash costs the calls that were under way and nothing else.
 *
 * A call whose caller gave up is *abandoned* until the thread is done with it: it is told so, leaves out what it has not begun, and stops
 * between two steps of what it has.
 */
import { parentPort, Worker } from 'node:worker_threads';
import { SluiceError } from '@sluice/core';

export interface Thread<Question, Answer> {
  /** Resolves when the thread has started; throws `engine_failed` when it cannot. */
  start(): Promise<void>;
  /** Answers of several calls come back in the order of the calls. An aborted call rejects at once with the signal's reason. */
  call(question: Question, signal?: AbortSignal): Promise<Answer>;
  /** Calls that nobody waits for any more and that the thread is not done with. */
  readonly abandoned: number;
  close(): Promise<void>;
}

type ToThread<Question> = { id: number; question: Question } | { cancel: number };
type FromThread<Answer> =
  | { ready: true }
  | { id: number; answer: Answer }
  | { id: number; failure: string }
  | { id: number; cancelled: true };

interface Running<Question> {
  worker: Worker;
  ready: PromiseWithResolvers<void>;
  post(message: ToThread<Question>): void;
}

export function createThread<Question, Answer>({
  script,
  what,
  workerData,
}: {
  script: URL;
  /** What runs there, for messages. */
  what: string;
  workerData: unknown;
}): Thread<Question, Answer> {
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  const abandoned = new Set<number>();
  let running: Running<Question> | undefined;
  let nextId = 0;
  let closed = false;

  function start(): Running<Question> {
    if (closed) throw new SluiceError('engine_failed', { message: `${what} is closed` });
    if (running !== undefined) return running;
    const worker = new Worker(script, { workerData });
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // whoever calls `start` hears of it; nobody may have
    const mine: Running<Question> = { worker, ready, post: (message) => worker.postMessage(message) };
    const lose = (cause?: unknown) => {
      if (running === mine) {
        running = undefined;
        abandoned.clear();
      }
      const error = new SluiceError('engine_failed', { message: `${what} stopped`, where: 'worker thread', cause });
      ready.reject(error);
      for (const [id, call] of waiting) {
        waiting.delete(id);
        call.reject(error);
      }
    };
    worker.on('message', (message: FromThread<Answer>) => {
      if ('ready' in message) return ready.resolve();
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      abandoned.delete(message.id);
      if ('cancelled' in message) return;
      if ('answer' in message) call?.resolve(message.answer);
      // The thread's own message may quote a text, so only the name of the error crosses.
      else call?.reject(new SluiceError('engine_failed', { message: `${what} failed`, got: message.failure }));
    });
    worker.once('error', lose);
    worker.once('exit', () => lose());
    running = mine;
    return mine;
  }

  return {
    async start() {
      await start().ready.promise;
    },
    async call(question, signal) {
      signal?.throwIfAborted();
      const { post } = start();
      const id = nextId++;
      const call = Promise.withResolvers<Answer>();
      waiting.set(id, call);
      const abort = () => {
        if (!waiting.delete(id)) return; // answered, or lost with the thread
        abandoned.add(id);
        post({ cancel: id });
        call.reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      post({ id, question });
      try {
        return await call.promise;
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    get abandoned() {
      return abandoned.size;
    },
    async close() {
      closed = true;
      await running?.worker.terminate();
    },
  };
}

/**
 * The other side: answers calls one after another, and says when it has started. To be called once, in the thread. A `handle` that
 * computes in steps asks `goOn` between them, which resolves to false when nobody waits any more; what it returns then is thrown away.
 */
export function answerCalls<Question, Answer>(
  handle: (question: Question, goOn: () => Promise<boolean>) => Handled<Answer> | Promise<Handled<Answer>>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('answerCalls belongs in a worker thread');
  let last: Promise<unknown> = Promise.resolve();
  const begunOrWaiting = new Set<number>();
  const cancelled = new Set<number>();
  port.on('message', (message: ToThread<Question>) => {
    if ('cancel' in message) {
      // One that was answered meanwhile is over.
      if (begunOrWaiting.has(message.cancel)) cancelled.add(message.cancel);
      return;
    }
    const { id, question } = message;
    begunOrWaiting.add(id);
    /** Messages are read between two turns of the event loop, never within one. */
    const goOn = () => new Promise<boolean>((resolve) => setImmediate(() => resolve(!cancelled.has(id))));
    last = last.then(async () => {
      try {
        const handled = (await goOn()) ? await handle(question, goOn) : undefined;
        begunOrWaiting.delete(id);
        if (cancelled.delete(id) || handled === undefined) {
          port.postMessage({ id, cancelled: true } satisfies FromThread<Answer>);
        } else port.postMessage({ id, answer: handled.answer } satisfies FromThread<Answer>, handled.transfer);
      } catch (error) {
        begunOrWaiting.delete(id);
        cancelled.delete(id);
        const failure = error instanceof Error ? error.name : typeof error;
        port.postMessage({ id, failure } satisfies FromThread<Answer>);
      }
    });
  });
  port.postMessage({ ready: true } satisfies FromThread<Answer>);
}

interface Handled<Answer> {
  answer: Answer;
  transfer: ArrayBuffer[];
}
