/** Counting and encoding with the model's own tokenizer. */

import { LibraryTokenizer } from './library-tokenizer.ts';
import type { TokenizerModel } from './model.ts';
import { UnigramTokenizer } from './unigram-tokenizer.ts';

export interface Tokenizer {
  readonly name: string;
  /** Tokens that the model puts around every text (2 for XLM-R). */
  readonly specialTokens: number;
  /** True when counts of two texts with white space between them are the count of the whole: the tokenizer splits there before all else. */
  readonly addsUp: boolean;
  /**
   * Tokens of a text without specials, exactly as the reference counts them, whatever the text holds: lone surrogates count
   * as U+FFFD, a literal `</s>` as the one token it is. `start` and `end` (UTF-16 offsets) count that slice without making it.
   */
  count(text: string, start?: number, end?: number): number;
  /** Ids without specials. */
  encode(text: string): number[];
  /** Ids with specials, as a model takes them. */
  encodeWithSpecials(text: string): number[];
}

/** Cheap beside loading the model: one a thread. Counts of words are remembered in fixed memory (2.4 MB). */
export function createTokenizer(model: TokenizerModel): Tokenizer {
  return model.kind === 'unigram' ? new UnigramTokenizer(model) : new LibraryTokenizer(model);
}
