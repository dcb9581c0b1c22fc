/**
 * An embedding class of LlamaIndex for JavaScript that speaks rightly to `sluice engine`, jina-on-prem and the hosted Jina API: nodes as
 * `retrieval.passage`, queries as `retrieval.query`, so that both meet what Sluice has stored. No class that ships with LlamaIndex does
 * both: see README.md.
 */
import { BaseEmbedding } from '@llamaindex/core/embeddings';

export class SluiceEmbedding extends BaseEmbedding {
  #url;
  #headers;
  #dimension;

  /**
   * @param {object} engine
   * @param {string} engine.url as in SLUICE_ENGINE_URL
   * @param {string} [engine.apiKey] as in SLUICE_ENGINE_API_KEY
   * @param {number} [engine.dimension] as in SLUICE_DIMENSION
   */
  constructor({ url, apiKey, dimension = 1024 }) {
    super();
    this.#url = `${url}/v1/embeddings`;
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    };
    this.#dimension = dimension;
  }

  getTextEmbeddings = (texts) => this.#embed(texts, 'retrieval.passage');

  async getTextEmbedding(text) {
    const [vector] = await this.#embed([text], 'retrieval.passage');
    return vector;
  }

  /** Null for what is no text, as LlamaIndex has it. */
  async getQueryEmbedding(query) {
    const text = typeof query === 'string' ? query : query.type === 'text' ? query.text : undefined;
    if (text === undefined) return null;
    const [vector] = await this.#embed([text], 'retrieval.query');
    return vector;
  }

  async #embed(input, task) {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify({
        model: 'jina-embeddings-v3',
        task,
        dimensions: this.#dimension,
        normalized: true,
        truncate: false,
        input,
      }),
    });
    if (!response.ok) throw new Error(`the engine answered ${response.status}`);
    const { data } = await response.json();
    return data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding);
  }
}
