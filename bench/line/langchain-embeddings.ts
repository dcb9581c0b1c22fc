/** LangChain's Embeddings over HTTP: its own caller with retries, 8 texts a request and 2 requests in flight. */
import { Embeddings } from '@langchain/core/embeddings';

const ROWS = 8;
const IN_FLIGHT = 2;

export class HttpEmbeddings extends Embeddings {
  readonly #engine: string;

  constructor(engine: string) {
    super({ maxConcurrency: IN_FLIGHT });
    this.#engine = engine;
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    const batches = Array.from({ length: Math.ceil(texts.length / ROWS) }, (_, at) =>
      texts.slice(at * ROWS, (at + 1) * ROWS),
    );
    return (await Promise.all(batches.map((batch) => this.caller.call(() => this.#ask(batch))))).flat();
  }

  async embedQuery(text: string): Promise<number[]> {
    return (await this.embedDocuments([text]))[0]!;
  }

  async #ask(texts: string[]): Promise<number[][]> {
    const response = await fetch(`${this.#engine}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: texts, task: 'retrieval.passage' }),
    });
    if (!response.ok) throw new Error(`the engine answered ${response.status}`);
    const { data } = (await response.json()) as { data: { embedding: number[] }[] };
    return data.map(({ embedding }) => embedding);
  }
}
