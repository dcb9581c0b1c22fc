/**
 * Any other tokenizer.json, counted by the reference library itself (`@anush008/tokenizers`, Hugging Face's Rust code; an optional
 * dependency). It answers only through promises while counting is wanted at once, so it lives on a thread of its own and the
 * caller sleeps on a shared flag until the answer is there. Meant for the chunker's threads; it takes some 340 MB for a
 * vocabulary of XLM-R's size, so use one chunking thread with it.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { SluiceError } from '@sluice/core/errors';
import type { LibraryReply, LibraryRequest } from './library-thread.ts';
import type { LibraryModel } from './model.ts';
import type { Tokenizer } from './tokenizer.ts';

const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './library-thread.ts' : './library-thread.js',
  import.meta.url,
);
/** A text of 64 kB takes a tenth of a second; loading a second or two. Longer means that the thread is gone. */
const DEADLINE_MS = 120_000;

export class LibraryTokenizer implements Tokenizer {
  readonly name: string;
  readonly specialTokens: number;
  /** What such a tokenizer does at white space is not known. */
  readonly addsUp = false;
  readonly #port: MessagePort;
  readonly #flag = new Int32Array(new SharedArrayBuffer(4));
  readonly #model: LibraryModel;
  readonly #deadlineMs: number;
  /** Number of the last request. */
  #asked = 0;

  /** `deadlineMs`: for one answer, loading aside. Throws `bad_tokenizer` when the library is not installed or refuses the file. */
  constructor(model: LibraryModel, deadlineMs = DEADLINE_MS) {
    this.#model = model;
    this.#deadlineMs = deadlineMs;
    this.name = model.name;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const thread = new Worker(threadFile, {
      workerData: { path: model.path, port: port2, flag: this.#flag },
      transferList: [port2],
    });
    thread.unref();
    port1.unref();
    this.#answer(0, DEADLINE_MS);
    this.specialTokens = this.#ask('', true, DEADLINE_MS).length;
  }

  count(text: string, start = 0, end = text.length): number {
    return this.encode(text.slice(start, end)).length;
  }

  encode(text: string): number[] {
    return this.#ask(text, false);
  }

  encodeWithSpecials(text: string): number[] {
    return this.#ask(text, true);
  }

  #ask(text: string, specials: boolean, withinMs = this.#deadlineMs): number[] {
    const request: LibraryRequest = { number: ++this.#asked, text, specials };
    this.#port.postMessage(request);
    return this.#answer(request.number, withinMs);
  }

  /** The reply with this number; one that comes after its deadline is another text's by then, and dropped. */
  #answer(number: number, withinMs: number): number[] {
    const until = performance.now() + withinMs;
    let reply: LibraryReply | undefined;
    do {
      Atomics.wait(this.#flag, 0, 0, Math.max(0, until - performance.now()));
      // Before the replies are read: one that comes in between raises the flag again.
      Atomics.store(this.#flag, 0, 0);
      do {
        reply = receiveMessageOnPort(this.#port)?.message as LibraryReply | undefined;
      } while (reply !== undefined && reply.number !== number);
    } while (reply === undefined && performance.now() < until);
    if (reply !== undefined && 'ids' in reply) return reply.ids;
    throw new SluiceError('bad_tokenizer', {
      message: `This tokenizer needs the library @anush008/tokenizers, for ${this.#model.reason}, and it failed`,
      where: this.#model.path,
      got: reply?.failed ?? `no answer within ${withinMs / 1000} s`,
      fix: 'Install the optional dependency @anush008/tokenizers, and check that the file is a tokenizer.json.',
    });
  }
}
