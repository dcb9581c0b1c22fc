/**
 * Reads a tokenizer.json. Our own code takes the XLM-R family and nothing that merely looks like it: each thing that would
 * change a count is checked, and the first that is different is the reason for leaving the file to the library. Truncation and padding change
 * none: they are the engine's business.
 */
import { SluiceError } from '@sluice/core/errors';
import { buildCharacterTable, separatesWords } from './character-table.ts';
import { Charsmap } from './charsmap.ts';
import { buildDoubleArray } from './double-array.ts';
import type { AddedToken, UnigramModel } from './model.ts';
import { METASPACE } from './pieces.ts';
import { sharedFloat64 } from './shared-array.ts';

/** What is read of the file; everything may be missing. */
interface TokenizerJson {
  added_tokens?: {
    id: number;
    content: string;
    single_word?: boolean;
    rstrip?: boolean;
    normalized?: boolean;
  }[];
  normalizer?: { type?: string; precompiled_charsmap?: string } | null;
  pre_tokenizer?: { type?: string; pretokenizers?: PreTokenizer[] } | null;
  post_processor?: {
    type?: string;
    single?: { SpecialToken?: { id: string }; Sequence?: unknown }[];
    special_tokens?: Record<string, { ids: number[] }>;
  } | null;
  model?: { type?: string; unk_id?: number | null; vocab?: [string, number][]; byte_fallback?: boolean };
}

interface PreTokenizer {
  type?: string;
  replacement?: string;
  prepend_scheme?: string;
  add_prefix_space?: boolean;
  split?: boolean;
}

/** What the reference adds below the lowest score for a character that is no piece: `K_UNK_PENALTY`. */
const UNKNOWN_PENALTY = 10;

/** The model without its name, or the reason why the file is not of the family. */
export function readTokenizerJson(text: string, where: string): Omit<UnigramModel, 'name' | 'sha256'> | string {
  const json = parse(text, where);
  const reason = difference(json);
  if (reason !== undefined) return reason;

  const charsmap = json.normalizer!.precompiled_charsmap!;
  const table = new Charsmap(charsmap);
  if (!separatesWords(table)) return 'its normaliser does not keep separators as white space';
  const added: AddedToken[] = (json.added_tokens ?? []).map(({ id, content }) => ({ id, content }));
  const vocab = json.model!.vocab!;
  const keys = vocab.map(([piece]) => piece);
  const scores = vocab.map(([, score]) => score);
  const { prefix, suffix } = specials(json);
  return {
    kind: 'unigram',
    characters: buildCharacterTable(
      table,
      added.map(({ content }) => content),
    ),
    unigram: {
      trie: buildDoubleArray(keys),
      scores: sharedFloat64(scores),
      unknownId: json.model!.unk_id!,
      unknownScore: scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY,
    },
    charsmap,
    added,
    prefix,
    suffix,
  };
}

function parse(text: string, where: string): TokenizerJson {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && 'model' in json) return json as TokenizerJson;
  } catch (cause) {
    throw new SluiceError('bad_tokenizer', { message: 'The tokenizer file is not JSON', where, cause });
  }
  throw new SluiceError('bad_tokenizer', { message: 'The tokenizer file has no model', where });
}

/** The first thing in which the file differs from the family, in words. */
function difference(json: TokenizerJson): string | undefined {
  const { model, normalizer, added_tokens: added = [], post_processor: post } = json;
  if (model?.type !== 'Unigram' || !Array.isArray(model.vocab)) return 'its model is not Unigram';
  if (model.byte_fallback === true) return 'its model falls back to bytes';
  if (typeof model.unk_id !== 'number') return 'its model has no unknown token';
  if (new Set(model.vocab.map(([piece]) => piece)).size !== model.vocab.length) return 'its vocabulary repeats a piece';
  if (model.vocab.some(([piece]) => piece === '' || !piece.isWellFormed())) return 'its vocabulary has an odd piece';
  if (normalizer?.type !== 'Precompiled' || typeof normalizer.precompiled_charsmap !== 'string') {
    return 'its normaliser is not Precompiled alone';
  }
  if (!splitsLikeXlmr(json.pre_tokenizer)) return 'its pre-tokenizer is not WhitespaceSplit and Metaspace';
  if (post != null && post.type !== 'TemplateProcessing') return 'its post-processor is not TemplateProcessing';
  for (const token of added) {
    if (token.normalized === true || token.single_word === true || token.rstrip === true) {
      return 'an added token is matched in a special way';
    }
    if (token.content === '' || /\s/.test(token.content)) return 'an added token holds white space';
  }
  return undefined;
}

function splitsLikeXlmr(preTokenizer: TokenizerJson['pre_tokenizer']): boolean {
  const [split, metaspace, ...more] = preTokenizer?.type === 'Sequence' ? (preTokenizer.pretokenizers ?? []) : [];
  return (
    more.length === 0 &&
    split?.type === 'WhitespaceSplit' &&
    metaspace?.type === 'Metaspace' &&
    metaspace.replacement === String.fromCharCode(METASPACE) &&
    metaspace.split !== false &&
    (metaspace.prepend_scheme === undefined
      ? metaspace.add_prefix_space !== false
      : metaspace.prepend_scheme === 'always')
  );
}

function specials({ post_processor: post }: TokenizerJson): { prefix: number[]; suffix: number[] } {
  const prefix: number[] = [];
  const suffix: number[] = [];
  let side = prefix;
  for (const part of post?.single ?? []) {
    if (part.SpecialToken === undefined) side = suffix;
    else side.push(...(post?.special_tokens?.[part.SpecialToken.id]?.ids ?? []));
  }
  return { prefix, suffix };
}
