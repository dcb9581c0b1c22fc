/** How large a chunk may be. All limits hold for the text as the engine is given it, instruction and specials included. */
import { SluiceError } from '@sluice/core/errors';

export interface ChunkLimits {
  /** A chunk closes at the first strong boundary after so many tokens. */
  targetTokens: number;
  /** No chunk has more, instruction, heading context and special tokens included. */
  maxTokens: number;
  /** UTF-8 bytes of a chunk's stored text at most; Milvus' VARCHAR ends at 65,535. */
  maxBytes: number;
  /** Tokens of a chunk repeated at the start of the next, at most; 0: none. */
  overlapTokens: number;
  /** Put title and heading path before the embedded text. */
  headings: boolean;
  /** Tokens of the instruction prefix, whoever adds it. */
  instructionTokens: number;
}

/** Fewer tokens than this left for text make no useful chunk. */
const LEAST_ROOM = 8;

/** Throws `bad_configuration`, all problems at once. */
export function checkLimits(limits: ChunkLimits, specialTokens: number): void {
  const problems: string[] = [];
  const { targetTokens, maxTokens, overlapTokens, instructionTokens } = limits;
  const whole = (name: keyof ChunkLimits, least: number) => {
    const value = limits[name];
    if (!Number.isInteger(value) || (value as number) < least) problems.push(`${name} is ${value}, at least ${least}`);
  };
  whole('targetTokens', 1);
  whole('maxTokens', 1);
  whole('maxBytes', 64);
  whole('overlapTokens', 0);
  whole('instructionTokens', 0);
  if (targetTokens > maxTokens) problems.push(`targetTokens ${targetTokens} is more than maxTokens ${maxTokens}`);
  const room = maxTokens - specialTokens - instructionTokens;
  if (room < LEAST_ROOM) problems.push(`maxTokens ${maxTokens} leaves ${room} tokens for text`);
  else if (overlapTokens > room / 2) problems.push(`overlapTokens ${overlapTokens} is more than half of a chunk`);
  if (problems.length === 0) return;
  throw new SluiceError('bad_configuration', {
    message: `Chunk limits do not fit together: ${problems.join('; ')}`,
    fix: 'Set SLUICE_TARGET_TOKENS, SLUICE_MAX_TOKENS and SLUICE_OVERLAP_TOKENS so that target ≤ max and text has room.',
  });
}
