/**
 * Cuts documents on worker threads, as many as asked for, with one tokenizer model in shared memory among them.
 *
 * A thread is `starting`, `idle`, `cutting` one document, or `dead`. A thread that dies (out of memory, a fault of ours) rejects its
 * document alone and is replaced. Documents wait in order when all threads are busy; who calls `cut` faster than it awaits
 * holds those texts in memory, so the caller's awaiting is the back-pressure.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { type ErrorCode, SluiceError, type SourceDocument } from '@sluice/core';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { type CutDocument, createChunker } from './chunker.ts';
import type { CutReply, CutThreadData, SentCut } from './cut-thread.ts';
import type { ChunkLimits } from './limits.ts';

export type DocumentToCut = Pick<SourceDocument, 'text' | 'format' | 'title'>;

export interface ChunkerPool {
  /** Rejects with the chunker's own errors, and with `chunker_died` when its thread dies. */
  cut(document: DocumentToCut): Promise<CutDocument>;
  readonly threads: number;
  /** Lets documents under way finish; later ones are refused. Idempotent. */
  close(): Promise<void>;
}

export interface ChunkerPoolOptions {
  /** A tokenizer.json or .json.br; default: the packaged XLM-R. */
  tokenizer?: string | undefined;
  limits: ChunkLimits;
  /** Default: one, which feeds a dozen engines; each more takes 22 to 54 MB (docs/decisions/cutting-threads.md). */
  threads?: number | undefined;
  /** Memory of each thread; default: Node's own limits. */
  resourceLimits?: ResourceLimits | undefined;
}

interface Job {
  document: DocumentToCut;
  resolve(cut: CutDocument): void;
  reject(error: unknown): void;
}

/** This file's own ending: the same code runs as TypeScript and bundled. */
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './cut-thread.ts' : './cut-thread.js', import.meta.url);

/** Throws `bad_tokenizer` and `bad_configuration` before any thread is started. */
export async function createChunkerPool(options: ChunkerPoolOptions): Promise<ChunkerPool> {
  const model = await loadTokenizerModel(options.tokenizer);
  // Our own tokenizer is made in no time and says what limits cannot be; the library's takes a second and is left to the thread.
  if (model.kind === 'unigram') createChunker(createTokenizer(model), options.limits);
  const { threads = 1 } = options;
  return new Pool({ model, limits: options.limits }, threads, options.resourceLimits);
}

class Pool implements ChunkerPool {
  readonly threads: number;
  readonly #data: CutThreadData;
  readonly #resourceLimits: ResourceLimits | undefined;
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  /** Every living thread, with the job it is cutting. */
  readonly #jobs = new Map<Worker, Job | undefined>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(data: CutThreadData, threads: number, resourceLimits: ResourceLimits | undefined) {
    this.#data = data;
    this.threads = threads;
    this.#resourceLimits = resourceLimits;
  }

  cut(document: DocumentToCut): Promise<CutDocument> {
    if (this.#closing !== undefined) {
      return Promise.reject(new SluiceError('chunker_died', { message: 'The chunker pool is closed' }));
    }
    return new Promise((resolve, reject) => {
      const { text, format, title } = document;
      this.#waiting.push({ document: { text, format, ...(title !== undefined && { title }) }, resolve, reject });
      this.#next();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#busy())
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    const workers = [...this.#jobs.keys()];
    this.#jobs.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #busy(): boolean {
    return this.#waiting.length > 0 || [...this.#jobs.values()].some((job) => job !== undefined);
  }

  /** Gives waiting documents to idle threads, starting threads while there are fewer than wanted. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#jobs.size < this.threads ? this.#start() : undefined);
      if (worker === undefined) return;
      const job = this.#waiting.shift()!;
      this.#jobs.set(worker, job);
      worker.ref();
      worker.postMessage(job.document);
    }
    if (!this.#busy()) this.#drained?.();
  }

  #start(): Worker {
    const worker = new Worker(workerFile, {
      workerData: this.#data,
      ...(this.#resourceLimits !== undefined && { resourceLimits: this.#resourceLimits }),
    });
    this.#jobs.set(worker, undefined);
    let failure: unknown;
    worker.on('message', (reply: CutReply) => {
      const job = this.#jobs.get(worker);
      this.#jobs.set(worker, undefined);
      this.#idle.push(worker);
      // An idle pool does not keep the process alive.
      worker.unref();
      if (job !== undefined) settle(job, reply);
      this.#next();
    });
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', (code) => {
      const job = this.#jobs.get(worker);
      this.#jobs.delete(worker);
      const idle = this.#idle.indexOf(worker);
      if (idle >= 0) this.#idle.splice(idle, 1);
      job?.reject(
        new SluiceError('chunker_died', {
          message: 'A thread died while it cut this document',
          got: `exit code ${code}`,
          cause: failure,
        }),
      );
      this.#next();
    });
    return worker;
  }
}

function settle({ document, resolve, reject }: Job, reply: CutReply): void {
  if ('cut' in reply) resolve(withTexts(reply.cut, document.text));
  else if ('failed' in reply) reject(reply.failed);
  else reject(rebuilt(reply.refused));
}

/** The chunks' texts are slices of one string in this thread: no character crosses twice. */
function withTexts(cut: SentCut, text: string): CutDocument {
  const { source = text, chunks, ...about } = cut;
  return {
    source,
    ...about,
    chunks: chunks.map((chunk) => ({ ...chunk, text: source.slice(chunk.start, chunk.end) })),
  };
}

function rebuilt(parts: Record<string, unknown>): SluiceError {
  const { code, message, where, expected, got, fix } = parts as Record<string, string>;
  return new SluiceError(code as ErrorCode, { message: message ?? '', where, expected, got, fix });
}
