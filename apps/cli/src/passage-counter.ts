/** Tokens of a passage as the engine counts them: the line's tokenizer, with the specials and the profile's instruction. */
import type { Config } from '@sluice/core';
import { resolveEngine } from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';

export async function passageCounter(config: Config): Promise<(text: string) => number> {
  const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
  const around = tokenizer.specialTokens + resolveEngine(config).instructionTokens((text) => tokenizer.count(text));
  return (text) => tokenizer.count(text) + around;
}
