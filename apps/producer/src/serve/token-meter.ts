/**
 * Tokens of documents as the line's tokenizer counts them, for keys with an allowance of tokens. The model (40 MB, half a second)
 * is loaded when such a key first hands something in. Long texts are counted in pieces, and others are served in between: words
 * end at white space for the tokenizer too, so pieces that end there add up exactly.
 */
import { setImmediate as others } from 'node:timers/promises';
import { createTokenizer, loadTokenizerModel, type Tokenizer } from '@sluice/tokenizer';

export interface TokenMeter {
  /** Tokens without specials and instruction. Throws what loading the model throws. */
  count(texts: readonly string[]): Promise<number>;
}

/** UTF-16 units; a few milliseconds of counting. */
const PIECE = 16_384;
/** How far back a piece looks for white space. Without any it ends where it is full, which costs a token at most. */
const LOOK_BACK = 1_024;

/** `tokenizer`: a path; undefined: the built-in one. */
export function createTokenMeter(tokenizer: string | undefined): TokenMeter {
  let loading: Promise<Tokenizer> | undefined;

  function loaded(): Promise<Tokenizer> {
    loading ??= loadTokenizerModel(tokenizer).then(createTokenizer);
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  }

  return {
    async count(texts) {
      const counter = await loaded();
      let tokens = 0;
      let sinceOthers = 0;
      for (const text of texts) {
        for (let from = 0; from < text.length; ) {
          const to = pieceEnd(text, from);
          tokens += counter.count(text, from, to);
          sinceOthers += to - from;
          from = to;
          if (sinceOthers < PIECE) continue;
          await others();
          sinceOthers = 0;
        }
      }
      return tokens;
    },
  };
}

function pieceEnd(text: string, from: number): number {
  const full = from + PIECE;
  if (full >= text.length) return text.length;
  for (let at = full; at > full - LOOK_BACK; at -= 1) if (/\s/.test(text.charAt(at))) return at;
  return full;
}
