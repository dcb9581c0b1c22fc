/**
 * Text out of PDF and DOCX, on a thread of its own: a document that takes too long or too much memory ends that thread and costs itself; the next one gets a new thread.
 *
 * The thread is `none`, `idle` or `busy` with one document. It starts with the first document, stays for the next ones (a library takes a fifth of a second to load)
 * and, idle, keeps no process alive.
 */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SluiceError } from '@sluice/core';
import type { ExtractReply, ExtractRequest } from './extract-thread.ts';
import { type ExtractedName, extractedFormats, installCommand } from './extracted-format.ts';

export interface ExtractorOptions {
  /** Bytes that an archive may inflate to. */
  maxInflatedBytes: number;
  /** One document may take so long; a page takes some 8 ms. */
  deadlineMs?: number;
  /** What the thread imports for a format, where that is not the library itself. */
  modules?: Partial<Record<ExtractedName, string>>;
}

const DEADLINE_MS = 120_000;
const MEMORY_MB = 1_024;
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './extract-thread.ts' : './extract-thread.js',
  import.meta.url,
);

export class Extractor {
  readonly #options: ExtractorOptions;
  #thread: Worker | undefined;
  /** Who waits for the thread's answer; settled once, later calls change nothing. */
  #waiting: { resolve(reply: ExtractReply): void; reject(error: unknown): void } | undefined;

  constructor(options: ExtractorOptions) {
    this.#options = options;
  }

  /** One document at a time. Throws `reader_not_installed`, `encrypted_document`, `broken_document`, `no_text_layer`, `inflated_too_large`, `extraction_stopped`. */
  async extract(name: ExtractedName, bytes: Buffer): Promise<string> {
    const { module } = extractedFormats[name];
    const reply = await this.#ask({
      name,
      module: this.#options.modules?.[name] ?? module,
      bytes: new Uint8Array(bytes),
      maxInflatedBytes: this.#options.maxInflatedBytes,
    });
    if ('text' in reply) return reply.text;
    if ('missing' in reply) throw notInstalled(name);
    const { code, message, where, expected, got, fix } = reply.refused as Record<string, string>;
    throw new SluiceError(code as ErrorCode, { message: message ?? '', where, expected, got, fix });
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  async #ask(request: ExtractRequest): Promise<ExtractReply> {
    const { deadlineMs = DEADLINE_MS } = this.#options;
    this.#thread ??= this.#start();
    const thread = this.#thread;
    const answer = new Promise<ExtractReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const deadline = setTimeout(() => {
      this.#stopped(thread, `no text within ${deadlineMs / 1_000} s`);
      void thread.terminate();
    }, deadlineMs);
    thread.ref();
    thread.postMessage(request);
    try {
      return await answer;
    } finally {
      clearTimeout(deadline);
      thread.unref();
    }
  }

  #start(): Worker {
    const thread = new Worker(threadFile, {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      // Its output is the library's advice to programmers: warnings that say nothing of the document.
      stdout: true,
      stderr: true,
    });
    thread.on('message', (reply: ExtractReply) => this.#waiting?.resolve(reply));
    thread.on('error', (error) => this.#stopped(thread, 'its thread died', error));
    thread.on('exit', (code) => this.#stopped(thread, `its thread ended with ${code}`));
    return thread;
  }

  #stopped(thread: Worker, got: string, cause?: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    this.#waiting?.reject(
      new SluiceError('extraction_stopped', { message: 'The document could not be read', got, cause }),
    );
  }
}

function notInstalled(name: ExtractedName): SluiceError {
  const format = extractedFormats[name];
  const command = installCommand(format);
  return new SluiceError('reader_not_installed', {
    message: `Reading ${name.toUpperCase()} needs the library ${format.library}; \`${command}\` installs it`,
    fix: `Run \`${command}\` in the folder of Sluice, then this command again.`,
  });
}
