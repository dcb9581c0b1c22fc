/** Documents and chunks: the words that cross a boundary between rooms. */

/** Programs: cut by their syntax; `code` is any other language, cut at blank lines and by indentation. */
export const codeLanguages = [
  'code',
  'cpp',
  'go',
  'java',
  'javascript',
  'php',
  'python',
  'rust',
  'tsx',
  'typescript',
] as const;
export type CodeLanguage = (typeof codeLanguages)[number];

/** How a document's text is written; decides how it is cut. For `html` the source is the extracted text. */
export const textFormats = ['text', 'markdown', 'html', ...codeLanguages] as const;
export type TextFormat = (typeof textFormats)[number];

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type Metadata = { [key: string]: JsonValue };

/** What a user hands in. The id is stable; handing it in again with other text is a new revision. */
export interface SourceDocument {
  id: string;
  /** Raw text as read (for `html`: the page's markup). */
  text: string;
  format: TextFormat;
  title?: string;
  metadata: Metadata;
  /** Optional owner. The same id under two tenants is two documents. Absent, never ''. */
  tenant?: string;
}

/** Always the model's own tokenizer, counted once by the chunker and carried in the job. */
export interface TokenCounts {
  /** Tokens of the embedded text, without specials and instruction. */
  text: number;
  /** Tokens that the model puts around every text (`<s>` and `</s>`: 2 for XLM-R). */
  special: number;
  /** Tokens of the instruction prefix, whoever adds it; 0 when there is none. */
  instruction: number;
}

export function totalTokens(tokens: TokenCounts): number {
  return tokens.text + tokens.special + tokens.instruction;
}

/**
 * A slice of a document. Invariant: `text === source.slice(start, end)`, and the chunks of a document together cover every
 * non-blank character of the source exactly once (overlap aside).
 */
export interface Chunk {
  ordinal: number;
  /** UTF-16 offsets into the source. */
  start: number;
  end: number;
  /** The stored text: untouched. */
  text: string;
  /** Heading path, outermost first, the document's title not included. */
  heading: string[];
  /** What is put before `text` to make the embedded text: heading line(s), a repeated fence opener or table header. */
  context: string;
  /** Hash of the embedded text: equal hashes reuse their vector. */
  hash: string;
  tokens: TokenCounts;
}

/**
 * The embedded text: what the engine is given for a chunk (the instruction prefix is added by whoever the profile says).
 * NFC, because the reference tokenizer loses Vietnamese tone marks on NFD; end trimmed, because two families of XLM-R
 * tokenizers disagree on trailing white space.
 */
export function embeddedText(chunk: { context: string; text: string }): string {
  return (chunk.context + chunk.text).normalize('NFC').trimEnd();
}
