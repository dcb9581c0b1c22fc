/** What a tokenizer is made of. Plain data over shared memory: `workerData` carries it to a thread without a copy. */
import type { CharacterTable } from './character-table.ts';
import type { UnigramTables } from './unigram.ts';

interface ModelName {
  /** `xlm-roberta` for the packaged tokenizer, else `sha256:` and twelve characters. Part of the cut fingerprint. */
  readonly name: string;
  /** SHA-256 of the uncompressed JSON, hex. */
  readonly sha256: string;
}

/** A literal in a text that is one token: `</s>`. The reference finds these before anything else, longest first. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
}

/** The XLM-R family: precompiled normaliser, white space split, Metaspace, unigram. Counted by our own code. */
export interface UnigramModel extends ModelName {
  readonly kind: 'unigram';
  readonly characters: CharacterTable;
  readonly unigram: UnigramTables;
  /** SentencePiece's table, base64: graphemes of several characters are looked up in it. */
  readonly charsmap: string;
  readonly added: readonly AddedToken[];
  /** Ids that the post-processor puts before and after a text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

/** Any other tokenizer.json: counted by the reference library itself, on a thread of its own. */
export interface LibraryModel extends ModelName {
  readonly kind: 'library';
  readonly path: string;
  /** Why our own code does not take it. */
  readonly reason: string;
}

export type TokenizerModel = UnigramModel | LibraryModel;
