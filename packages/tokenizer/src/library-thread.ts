/** The thread of library-tokenizer.ts: loads the library and the file, then answers each request and raises the flag. */
import { readFileSync } from 'node:fs';
import { type MessagePort, workerData } from 'node:worker_threads';
import { brotliDecompressSync } from 'node:zlib';

export interface LibraryRequest {
  /** Each asker's own: a reply carries the number of what it answers. Loading is number 0. */
  number: number;
  text: string;
  specials: boolean;
}

export type LibraryReply = { number: number } & ({ ids: number[] } | { failed: string });

const { path, port, flag } = workerData as { path: string; port: MessagePort; flag: Int32Array };

function reply(message: LibraryReply): void {
  port.postMessage(message);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

/** Truncation and padding are the engine's business: a count is of the whole text. */
function readUncut(): string {
  const bytes = readFileSync(path);
  const json = JSON.parse((path.endsWith('.br') ? brotliDecompressSync(bytes) : bytes).toString('utf8'));
  return JSON.stringify({ ...json, truncation: null, padding: null });
}

try {
  const { Tokenizer } = await import('@anush008/tokenizers');
  const tokenizer = Tokenizer.fromString(readUncut());
  reply({ number: 0, ids: [] });
  port.on('message', async ({ number, text, specials }: LibraryRequest) => {
    try {
      reply({ number, ids: (await tokenizer.encode(text, null, { addSpecialTokens: specials })).getIds() });
    } catch (error) {
      reply({ number, failed: error instanceof Error ? error.name : 'an error' });
    }
  });
} catch (error) {
  reply({ number: 0, failed: error instanceof Error ? error.message : 'an error' });
}
