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
  readonly #port: MessagePort;
  readonly #flag = new Int32Array(new SharedArrayBuffer(4));
  readonly #model: LibraryModel;

  /** Throws `bad_tokenizer` when the library is not installed or refuses the file. */
  constructor(model: LibraryModel) {
    this.#model = model;
    this.name = model.name;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const thread = new Worker(threadFile, {
      workerData: { path: model.path, port: port2, flag: this.#flag },
      transferList: [port2],
    });
    thread.unref();
    port1.unref();
    this.#answer();
    this.specialTokens = this.#ask({ text: '', specials: true }).length;
  }

  count(text: string, start = 0, end = text.length): number {
    return this.encode(text.slice(start, end)).length;
  }

  encode(text: string): number[] {
    return this.#ask({ text, specials: false });
  }

  encodeWithSpecials(text: string): number[] {
    return this.#ask({ text, specials: true });
  }

  #ask(request: LibraryRequest): number[] {
    this.#port.postMessage(request);
    return this.#answer();
  }

  #answer(): number[] {
    Atomics.wait(this.#flag, 0, 0, DEADLINE_MS);
    Atomics.store(this.#flag, 0, 0);
    const reply = receiveMessageOnPort(this.#port)?.message as LibraryReply | undefined;
    if (reply !== undefined && 'ids' in reply) return reply.ids;
    throw new SluiceError('bad_tokenizer', {
      message: `This tokenizer needs the library @anush008/tokenizers, for ${this.#model.reason}, and it failed`,
      where: this.#model.path,
      got: reply?.failed ?? `no answer within ${DEADLINE_MS / 1000} s`,
      fix: 'Install the optional dependency @anush008/tokenizers, and check that the file is a tokenizer.json.',
    });
  }
}
