/**
 * Figures of other programs, measured by the authors of Sluice in November 2026 and not by the benchmark that shows them: they need
 * Python 3.11. All on 2 shared cores with 24 GiB, into milvus-lite 3.2.2 as a server, with an engine over HTTP that answers at once
 * (line) or is a modelled 3090 (device), 8 texts a request, and defaults otherwise. Each with the splitter that its users take, by
 * 8,000 characters; "exact" counts tokens with the model's own tokenizer.
 */
export interface Quoted {
  name: string;
  value: number;
  source: string;
}

const versions = {
  cocoindex: 'CocoIndex 1.0.26 with a Milvus target of 20 lines',
  haystack: 'haystack-ai 3.4.0 and milvus-haystack 0.1.0',
  langchain: 'langchain-core 1.7.2, langchain-milvus 0.4.0, langchain-openai 1.7.3',
  llamaindex: 'llama-index-core 0.14.25 and vector-stores-milvus 1.2.0',
};
const line = 'our own run of November 2026, 548 documents of 3.2 million tokens';
const device = 'our own run of November 2026, 106 documents of 0.45 million tokens over HTTP';

/** Thousands of tokens a CPU second of the process, median of three runs. */
export const quotedLine: readonly Quoted[] = [
  { name: 'CocoIndex, by characters', value: 1_110, source: `${versions.cocoindex}; ${line}` },
  { name: 'Haystack, by characters', value: 440, source: `${versions.haystack}; ${line}` },
  { name: 'LangChain in Python, exact', value: 109, source: `${versions.langchain}; ${line}` },
  { name: 'LlamaIndex in Python, exact', value: 96, source: `${versions.llamaindex}; ${line}` },
];

/** Useful tokens of a modelled 3090, of what it can: the median of three runs, or the better figure of one on a quiet machine. */
export const quotedDevice: readonly Quoted[] = [
  { name: 'CocoIndex', value: 0.74, source: `${versions.cocoindex}; ${device}` },
  { name: 'Haystack', value: 0.58, source: `${versions.haystack}; ${device}` },
  { name: 'LangChain in Python, exact', value: 0.49, source: `${versions.langchain}; ${device}, quiet machine` },
  { name: 'LlamaIndex in Python, exact', value: 0.49, source: `${versions.llamaindex}; ${device}, quiet machine` },
];
