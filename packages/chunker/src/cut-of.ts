/** The cut part of a line's fingerprint. */
import type { Cut } from '@sluice/core';
import type { TokenizerModel } from '@sluice/tokenizer';
import { chunkerVersion } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';

export function cutOf(tokenizer: Pick<TokenizerModel, 'name'>, limits: ChunkLimits): Cut {
  return {
    chunker: chunkerVersion,
    tokenizer: tokenizer.name,
    targetTokens: limits.targetTokens,
    maxTokens: limits.maxTokens,
    overlapTokens: limits.overlapTokens,
    headings: limits.headings,
  };
}
