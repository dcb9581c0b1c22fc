export { loadTokenizerModel } from './load.ts';
export type { TokenizerModel } from './model.ts';
export { createTokenizer, type Tokenizer } from './tokenizer.ts';
