/**
 * The embedding class of LangChain for JavaScript that speaks rightly to `sluice engine`, jina-on-prem and the hosted Jina API: it sends
 * `retrieval.passage` for documents and `retrieval.query` for queries, so that both meet what Sluice has stored.
 */
import { JinaEmbeddings } from '@langchain/community/embeddings/jina';

/**
 * @param {object} engine
 * @param {string} engine.url as in SLUICE_ENGINE_URL
 * @param {string} [engine.apiKey] as in SLUICE_ENGINE_API_KEY; the class insists on one, an engine without a key ignores it
 * @param {number} [engine.dimension] as in SLUICE_DIMENSION
 */
export function createEmbeddings({ url, apiKey = 'none', dimension = 1024 }) {
  const embeddings = new JinaEmbeddings({
    apiKey,
    model: 'jina-embeddings-v3',
    dimensions: dimension,
    // Texts go out as Sluice sends them. The tokenizer of this model sees no difference; that of another one may.
    stripNewLines: false,
  });
  // Its constructor ignores this one.
  embeddings.baseUrl = `${url}/v1/embeddings`;
  return embeddings;
}
